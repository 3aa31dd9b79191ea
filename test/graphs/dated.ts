// Its state is a Zod object that JSON schema cannot express: one of its values is a date.
import { END, START, StateGraph } from '@langchain/langgraph';
import { z } from 'zod';

export const graph = new StateGraph(z.object({ due: z.date(), title: z.string() }))
  .addNode('plan', ({ title }) => ({ title }))
  .addEdge(START, 'plan')
  .addEdge('plan', END)
  .compile();
