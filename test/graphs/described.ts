// Describes its state itself, as a StateSchema, and its settings as a Zod object. A router leads to its end.
import { END, MessagesValue, ReducedValue, START, StateGraph, StateSchema } from '@langchain/langgraph';
import { z } from 'zod';

const State = new StateSchema({
  messages: MessagesValue,
  notes: new ReducedValue(z.array(z.string()).default([]), {
    inputSchema: z.string(),
    reducer: (notes, note) => [...notes, note],
    jsonSchemaExtra: { langgraph_type: 'notes' },
  }),
  topic: z.string(),
});

const Context = z.object({ model: z.enum(['small', 'large']) });

export const graph = new StateGraph(State, Context)
  .addNode('note', ({ topic }) => ({ notes: topic }))
  .addEdge(START, 'note')
  .addConditionalEdges('note', () => 'enough', { enough: END, more: 'note' })
  .compile();
