// Graphs whose user code can be slow in every place where the server calls it.
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { Client } from '@langchain/langgraph-sdk';
import { pass } from './gate.js';

const State = Annotation.Root({
  thread_id: Annotation<string>(),
  notes: Annotation<string[]>({ reducer: (old, added) => old.concat(added), default: () => [] }),
});

const client = new Client({ apiKey: null });

/** A state update with `as_node` calls the router, too. */
const builder = new StateGraph(State)
  .addNode('work', () => ({ notes: ['worked'] }))
  .addNode('meddle', () => ({}))
  .addEdge(START, 'work')
  .addConditionalEdges('work', async ({ notes }) => {
    if (notes.includes('held')) {
      await pass('run');
    } else if (notes.includes('slow')) {
      await pass('router');
    }
    return END;
  })
  .addConditionalEdges('meddle', async ({ thread_id }) => {
    await pass('meddler');
    await client.threads.update(thread_id, { metadata: { meddled: true } });
    return END;
  });

export const quick = builder.compile();

export async function factory() {
  await pass('factory');
  return builder.compile();
}
