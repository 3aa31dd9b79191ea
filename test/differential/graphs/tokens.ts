// Three tokens of one message, from a model that is none; all at once when nobody wants to see them one by one.
import { AIMessage, AIMessageChunk } from '@langchain/core/messages';
import { FakeStreamingChatModel } from '@langchain/core/utils/testing';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';

const texts = ['one ', 'two ', 'three'];
const chunks = texts.map((content) => new AIMessageChunk({ content }));

export const graph = () =>
  new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }, config) => {
      const model = new FakeStreamingChatModel({ sleep: 0, chunks, responses: [new AIMessage(texts.join(''))] });
      return { messages: [await model.invoke(messages, config)] };
    })
    .addEdge(START, 'model')
    .addEdge('model', END)
    .compile();
