// Answers the last message with its own text. The answer has an id: whether events already show one that LangGraph
// gives it is a matter of moments. All graphs here are functions: the official server changes a graph that it has, and
// runs that take place at the same time would see that.
import { AIMessage } from '@langchain/core/messages';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';

export const graph = () =>
  new StateGraph(MessagesAnnotation)
    .addNode('echo', ({ messages }) => ({
      messages: [new AIMessage({ id: `echo-${messages.length}`, content: `Echo: ${messages.at(-1)!.text}` })],
    }))
    .addEdge(START, 'echo')
    .addEdge('echo', END)
    .compile();
