// One node calling a fake chat model that streams 200 tokens with no delay:
// measures the cost of a streamed token through the whole stack.
import { AIMessageChunk } from '@langchain/core/messages';
import { FakeStreamingChatModel } from '@langchain/core/utils/testing';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';

export const TOKENS = 200;

const chunks = Array.from(
  { length: TOKENS },
  (_, i) => new AIMessageChunk({ content: `tok${String(i).padStart(3, '0')} ` }),
);

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async (state, config) => {
    // A model per call: nothing is shared between concurrent runs.
    const model = new FakeStreamingChatModel({ sleep: 0, chunks });
    return { messages: [await model.invoke(state.messages, config)] };
  })
  .addEdge(START, 'model')
  .addEdge('model', END)
  .compile();
