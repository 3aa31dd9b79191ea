// Calls a tool that adds 2 and 3.
import { AIMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { z } from 'zod';

const add = tool(({ a, b }) => String(a + b), { name: 'add', schema: z.object({ a: z.number(), b: z.number() }) });

const call = { type: 'tool_call' as const, id: 'call-1', name: 'add', args: { a: 2, b: 3 } };

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('decide', () => ({ messages: [new AIMessage({ content: '', tool_calls: [call] })] }))
  .addNode('tools', new ToolNode([add]))
  .addEdge(START, 'decide')
  .addEdge('decide', 'tools')
  .addEdge('tools', END)
  .compile();
