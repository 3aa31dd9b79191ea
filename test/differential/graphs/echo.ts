// Repeats the last message. The response has its own id, because it depends on timing whether events already contain an id
// that LangGraph generates. All graphs here are functions: the official server mutates a graph object, which concurrent
// runs would notice.
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
