// The libraries in which a state can be declared.
import { END, START, StateGraph, StateSchema } from '@langchain/langgraph';
import { z as z4 } from 'zod';
import { z as z3 } from 'zod/v3';

const add = ({ total }: { total: number }) => ({ total: total + 1 });

export const zod3 = new StateGraph(z3.object({ total: z3.number() }))
  .addNode('add', add)
  .addEdge(START, 'add')
  .addEdge('add', END)
  .compile();

export const zod4 = new StateGraph(z4.object({ total: z4.number() }))
  .addNode('add', add)
  .addEdge(START, 'add')
  .addEdge('add', END)
  .compile();

export const stateSchema = new StateGraph(new StateSchema({ total: z4.number() }))
  .addNode('add', add)
  .addEdge(START, 'add')
  .addEdge('add', END)
  .compile();
