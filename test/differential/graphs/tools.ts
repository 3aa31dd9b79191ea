// Calls the tool that a message requests.
import { AIMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { z } from 'zod';

const add = tool(
  ({ a, b }) => new ToolMessage({ id: 'sum', content: String(a + b), name: 'add', tool_call_id: 'call-1' }),
  {
    name: 'add',
    description: 'Adds two numbers.',
    schema: z.object({ a: z.number(), b: z.number() }),
  },
);

const call = { name: 'add', args: { a: 2, b: 3 }, id: 'call-1', type: 'tool_call' as const };

export const graph = () =>
  new StateGraph(MessagesAnnotation)
    .addNode('decide', () => ({ messages: [new AIMessage({ content: '', tool_calls: [call] })] }))
    .addNode('tools', new ToolNode([add]))
    .addEdge(START, 'decide')
    .addEdge('decide', 'tools')
    .addEdge('tools', END)
    .compile();
