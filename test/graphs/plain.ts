// Its state is a plain Zod object.
import { END, START, StateGraph } from '@langchain/langgraph';
import { z } from 'zod';

export const graph = new StateGraph(
  z.object({ name: z.string().describe('Whom to greet.'), size: z.number().optional() }),
)
  .addNode('greet', ({ name }) => ({ name: `Hello ${name}` }))
  .addEdge(START, 'greet')
  .addEdge('greet', END)
  .compile();
