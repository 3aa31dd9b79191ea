// A chat in one node: sends the messages to the model and appends its response.
// Shows streaming token by token (stream mode `messages-tuple`) and a typed setting of the run (`context`).

import { SystemMessage } from '@langchain/core/messages';
import { END, MessagesValue, START, StateGraph, StateSchema } from '@langchain/langgraph';
import { z } from 'zod';
import { ParrotChatModel } from './models.js';

const State = new StateSchema({ messages: MessagesValue });

const Context = z.object({
  system_prompt: z.string().optional().describe('How the model should behave, for example "Be brief."'),
});

const model = new ParrotChatModel({ delay: 20 });

export const graph = new StateGraph(State, Context)
  .addNode('model', async ({ messages }, { context }) => {
    const system = context?.system_prompt ? [new SystemMessage(context.system_prompt)] : [];
    return { messages: await model.invoke([...system, ...messages]) };
  })
  .addEdge(START, 'model')
  .addEdge('model', END)
  .compile();
