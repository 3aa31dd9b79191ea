// Its state is a plain Zod object.
import { END, START, StateGraph } from '@langchain/langgraph';
import { z } from 'zod';

const State = z.object({ topic: z.string(), words: z.number().optional(), mood: z.enum(['calm', 'loud']).optional() });
const Context = z.object({ model: z.string().default('small') });

export const graph = () =>
  new StateGraph(State, Context)
    .addNode('count', ({ topic }) => ({ words: topic.split(' ').length }))
    .addEdge(START, 'count')
    .addEdge('count', END)
    .compile();
