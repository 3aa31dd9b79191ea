// Two models answer one after the other; the first one is tagged so that it is hidden from clients.
import { AIMessageChunk } from '@langchain/core/messages';
import { FakeStreamingChatModel } from '@langchain/core/utils/testing';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';

const model = (content: string) => new FakeStreamingChatModel({ sleep: 0, chunks: [new AIMessageChunk({ content })] });

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async ({ messages }, config) => {
    await model('secret').invoke(messages, { ...config, tags: ['langsmith:hidden'] });
    return { messages: [await model('said').invoke(messages, config)] };
  })
  .addEdge(START, 'model')
  .addEdge('model', END)
  .compile();
