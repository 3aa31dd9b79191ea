// Subgraphs that are started in all ways: by two tool calls at once, by a node that survives their failure, and as a node.
import { AIMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { END, interrupt, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { z } from 'zod';

const expert = new StateGraph(MessagesAnnotation)
  .addNode('know', () => ({ messages: [new AIMessage('helped')] }))
  .addEdge(START, 'know')
  .compile();

const helper = new StateGraph(MessagesAnnotation).addNode('help', expert).addEdge(START, 'help').compile();

const delegate = tool(
  async (_, config) => {
    await helper.invoke({ messages: [] }, config);
    return 'done';
  },
  { name: 'delegate', schema: z.object({}) },
);

const calls = ['call-1', 'call-2'].map((id) => ({ type: 'tool_call' as const, id, name: 'delegate', args: {} }));

const broken = new StateGraph(MessagesAnnotation)
  .addNode('break', () => {
    throw new TypeError('broken on purpose');
  })
  .addEdge(START, 'break')
  .compile();

const asking = new StateGraph(MessagesAnnotation)
  .addNode('question', () => ({ messages: [new AIMessage(String(interrupt('Go on?')))] }))
  .addEdge(START, 'question')
  .compile();

export const graph = new StateGraph(MessagesAnnotation)
  .addNode('decide', () => ({ messages: [new AIMessage({ content: '', tool_calls: calls })] }))
  .addNode('tools', new ToolNode([delegate]))
  .addNode('survive', async (_, config) => {
    await broken.invoke({ messages: [] }, config).catch(() => undefined);
    return { messages: [] };
  })
  .addNode('ask', asking)
  .addEdge(START, 'decide')
  .addEdge('decide', 'tools')
  .addEdge('tools', 'survive')
  .addEdge('survive', 'ask')
  .addEdge('ask', END)
  .compile();
