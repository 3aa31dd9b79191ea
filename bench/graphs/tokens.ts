// One node calling a fake chat model that streams its tokens with no delay (200, or as many as the config says): measures
// the cost of a streamed token through the whole stack.
import { AIMessageChunk } from '@langchain/core/messages';
import type { RunnableConfig } from '@langchain/core/runnables';
import { FakeStreamingChatModel } from '@langchain/core/utils/testing';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';

const chunksOf = (count: number): AIMessageChunk[] =>
  Array.from({ length: count }, (_, i) => new AIMessageChunk({ content: `tok${String(i).padStart(3, '0')} ` }));

const chunks = chunksOf(200);

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async (state, config: RunnableConfig<{ tokens?: number }>) => {
    const count = config.configurable?.tokens;
    // A model per call: nothing is shared between concurrent runs.
    const model = new FakeStreamingChatModel({ sleep: 0, chunks: count ? chunksOf(count) : chunks });
    return { messages: [await model.invoke(state.messages, config)] };
  })
  .addEdge(START, 'model')
  .addEdge('model', END)
  .compile();
