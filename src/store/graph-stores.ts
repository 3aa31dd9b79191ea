import { AsyncBatchedStore, type BaseStore } from '@langchain/langgraph';

/** What LangGraph's wrapper has of the methods of a store, and of its own. */
type Methods = Record<string, (...given: unknown[]) => unknown>;

interface Wrapper {
  store: BaseStore;
}

/** What a wrapper gets from the store inside it. */
const PASSED_ON = ['get', 'search', 'put', 'delete', 'listNamespaces', 'batch', 'start', 'stop'];

const changed = new WeakSet<object>();

/**
 * LangGraph wraps the store that it gives to nodes, to batch what they ask for. Its wrapper polls a thousand times a second
 * for as long as a run lasts, loses the `index` of a put, refuses labels that clients may use, and can neither list
 * namespaces nor take a batch (langgraph-checkpoint 1.2). One around a store of ours, which batches by itself, passes
 * everything on as it is; others are left alone.
 */
export function letGraphsUseTheirStore(type: abstract new (...given: never[]) => BaseStore): void {
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
