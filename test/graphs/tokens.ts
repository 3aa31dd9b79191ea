// Streams five tokens of one message from a fake model.
import { AIMessageChunk } from '@langchain/core/messages';
import { FakeStreamingChatModel } from '@langchain/core/utils/testing';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';

const chunks = ['one ', 'two ', 'three ', 'four ', 'five'].map((content) => new AIMessageChunk({ content }));

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async (state, config) => {
    const model = new FakeStreamingChatModel({ sleep: 0, chunks });
    return { messages: [await model.invoke(state.messages, config)] };
  })
  .addEdge(START, 'model')
  .addEdge('model', END)
  .compile();
