// Two branches research a question in parallel, and a report is written when both have ended.
// Shows a subgraph with its own state, parallel nodes, and progress events (stream mode `custom`).

import { END, START, StateGraph, StateSchema } from '@langchain/langgraph';
import { z } from 'zod';
import { ParrotChatModel } from './models.js';

/** Shares `question` and `findings` with the graph below; `pages` are private. */
const LibraryState = new StateSchema({
  question: z.string(),
  pages: z.array(z.string()).default([]),
  findings: z.array(z.string()).default([]),
});

const library = new StateGraph(LibraryState)
  .addNode('find', ({ question }) => ({ pages: [1, 2].map((page) => `page ${page} of "${question}"`) }))
  .addNode('read', ({ pages }, { writer }) => {
    const findings = pages.map((page) => {
      writer?.({ progress: `Reading ${page}` });
      return `The library has ${page}.`;
    });
    return { findings };
  })
  .addEdge(START, 'find')
  .addEdge('find', 'read')
  .addEdge('read', END)
  .compile();

const expert = new ParrotChatModel();

const State = new StateSchema({
  question: z.string(),
  findings: z.array(z.string()).default([]),
  opinion: z.string().default(''),
  report: z.string().default(''),
});

export const graph = new StateGraph(State)
  .addNode('library', library)
  .addNode('expert', async ({ question }, { writer }) => {
    writer?.({ progress: 'Asking the expert' });
    const answer = await expert.invoke(question);
    return { opinion: answer.text };
  })
  .addNode('write', ({ findings, opinion }, { writer }) => {
    writer?.({ progress: 'Writing the report' });
    return { report: [...findings, `The expert says: ${opinion}`].join('\n') };
  })
  .addEdge(START, 'library')
  .addEdge(START, 'expert')
  .addEdge(['library', 'expert'], 'write')
  .addEdge('write', END)
  .compile();
