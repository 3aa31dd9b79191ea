// Three tokens of one message from a fake model, or the complete message if no client requests tokens.
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
