// Its state is a Zod object with a channel that is registered with LangGraph: updates are single texts.
import { END, START, StateGraph } from '@langchain/langgraph';
import { withLangGraph } from '@langchain/langgraph/zod';
import { z } from 'zod';

const State = z.object({
  messages: withLangGraph(z.array(z.string()), {
    reducer: { schema: z.string(), fn: (messages: string[], message: string) => [...messages, message] },
    default: () => [],
    jsonSchemaExtra: { langgraph_type: 'messages' },
  }),
  count: z.number(),
});

export const graph = new StateGraph(State)
  .addNode('tally', () => ({ count: 1 }))
  .addEdge(START, 'tally')
  .addEdge('tally', END)
  .compile();
