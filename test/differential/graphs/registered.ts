// Its state is a Zod object with a reducer for a channel: updates are single strings.
import { END, START, StateGraph } from '@langchain/langgraph';
import { withLangGraph } from '@langchain/langgraph/zod';
import { z } from 'zod';

const State = z.object({
  topic: z.string(),
  words: withLangGraph(z.array(z.string()), {
    reducer: { schema: z.string(), fn: (words: string[], word: string) => [...words, word] },
    default: () => [],
    jsonSchemaExtra: { langgraph_type: 'messages' },
  }),
});

export const graph = () =>
  new StateGraph(State)
    .addNode('keep', ({ topic }) => ({ words: topic }))
    .addEdge(START, 'keep')
    .addEdge('keep', END)
    .compile();
