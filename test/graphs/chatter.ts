// Streams thirty tokens at once from a model to which something else listens slowly, as a tracer may.
import { setTimeout as sleep } from 'node:timers/promises';
import { AIMessageChunk } from '@langchain/core/messages';
import { FakeStreamingChatModel } from '@langchain/core/utils/testing';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';

const chunks = Array.from({ length: 30 }, (_, i) => new AIMessageChunk({ content: `${i} ` }));
const listener = { handleLLMNewToken: () => sleep(5) };

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async (state, config) => {
    const model = new FakeStreamingChatModel({ sleep: 0, chunks, callbacks: [listener] });
    return { messages: [await model.invoke(state.messages, config)] };
  })
  .addEdge(START, 'model')
  .addEdge('model', END)
  .compile();
