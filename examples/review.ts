// Human in the loop: the graph writes a draft and waits, for seconds or for days, until a client sends a decision.
// Shows `interrupt()`, a typed resume value, and a `Command` that chooses the next node.

import { Command, END, interrupt, START, StateGraph, StateSchema } from '@langchain/langgraph';
import { z } from 'zod';

const State = new StateSchema({
  topic: z.string(),
  text: z.string().default(''),
  status: z.enum(['draft', 'published', 'rejected']).default('draft'),
});

/** The resume value: a decision, or just a string: "yes", "no", or the draft to publish instead. */
const Answer = z.union([z.object({ approved: z.boolean(), edit: z.string().optional() }), z.string()]);

type Decision = Exclude<z.infer<typeof Answer>, string>;

function toDecision(answer: z.infer<typeof Answer>): Decision {
  if (typeof answer !== 'string') {
    return answer;
  }
  switch (answer.trim().toLowerCase()) {
    case 'yes':
      return { approved: true };
    case 'no':
      return { approved: false };
    default:
      return { approved: true, edit: answer };
  }
}

export const graph = new StateGraph(State)
  .addNode('draft', ({ topic }) => ({ text: `Good news about ${topic}!`, status: 'draft' as const }))
  .addNode(
    'review',
    ({ text }) => {
      const question = { draft: text, question: 'May this text be published?' };
      const decision = toDecision(interrupt(question, { responseSchema: Answer }));
      return decision.approved
        ? new Command({ goto: 'publish', update: { text: decision.edit ?? text } })
        : new Command({ goto: END, update: { status: 'rejected' as const } });
    },
    { ends: ['publish', END] },
  )
  .addNode('publish', () => ({ status: 'published' as const }))
  .addEdge(START, 'draft')
  .addEdge('draft', 'review')
  .addEdge('publish', END)
  .compile();
