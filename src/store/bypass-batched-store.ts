import { AsyncBatchedStore, type BaseStore } from '@langchain/langgraph';

/** The methods of LangGraph's wrapper, those of a store and its own. */
type Methods = Record<string, (...given: unknown[]) => unknown>;

interface Wrapper {
  store: BaseStore;
}

/** The methods that the wrapper passes on to the store inside it. */
const PASSED_ON = ['get', 'search', 'put', 'delete', 'listNamespaces', 'batch', 'start', 'stop'];

const changed = new WeakSet<object>();

/**
 * Patches LangGraph's AsyncBatchedStore. LangGraph wraps the store of nodes with it to batch their operations. The
 * wrapper polls a thousand times a second while a run lasts, loses the `index` of a put, refuses labels that clients
 * may use, and supports neither listing namespaces nor batches (langgraph-checkpoint 1.2). A wrapper around our store,
 * which batches itself, passes all calls on unchanged. Wrappers around other stores keep their behaviour.
 */
export function bypassBatchedStore(type: abstract new (...given: never[]) => BaseStore): void {
  const wrapper = AsyncBatchedStore.prototype as unknown as Methods;
  if (changed.has(wrapper)) {
    return;
  }
  changed.add(wrapper);
  for (const name of PASSED_ON) {
    const original = wrapper[name];
    wrapper[name] = function (this: Wrapper, ...given) {
      return this.store instanceof type
        ? (this.store as unknown as Methods)[name](...given)
        : original.apply(this, given);
    };
  }
}
