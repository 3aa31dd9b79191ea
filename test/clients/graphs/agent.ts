// A deep agent in small: files and todos in its state, a subagent behind a tool, a tool that a human approves, and one that
// waits for a file.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { Command } from '@langchain/langgraph';
import {
  createAgent,
  createMiddleware,
  humanInTheLoopMiddleware,
  todoListMiddleware,
  type ToolRuntime,
} from 'langchain';
import { z } from 'zod';
import { ScriptedModel } from './scripted-model.js';

const Files = z.object({ files: z.record(z.string(), z.string()).default({}) });

const writeFile = tool(
  ({ path, content }, { state, toolCallId }: ToolRuntime<typeof Files>) =>
    new Command({
      update: {
        files: { ...state.files, [path]: content },
        messages: [new ToolMessage({ tool_call_id: toolCallId, name: 'write_file', content: `Wrote ${path}.` })],
      },
    }),
  { name: 'write_file', description: 'Writes a file.', schema: z.object({ path: z.string(), content: z.string() }) },
);

const sendMail = tool(({ to }) => `Sent to ${to}.`, {
  name: 'send_mail',
  description: 'Sends a mail.',
  schema: z.object({ to: z.string() }),
});

const wait = tool(
  async ({ gate }, { signal }: ToolRuntime) => {
    while (!existsSync(gate)) {
      await sleep(5, undefined, { signal });
    }
    return 'It is open.';
  },
  { name: 'wait', description: 'Waits for a file.', schema: z.object({ gate: z.string() }) },
);

const researcher = createAgent({ model: new ScriptedModel(), tools: [] });

const task = tool(
  async ({ description }, config) => {
    const { messages } = await researcher.invoke({ messages: [{ role: 'user', content: description }] }, config);
    return messages.at(-1)!.text;
  },
  { name: 'task', description: 'Starts a subagent.', schema: z.object({ description: z.string() }) },
);

export const graph: ReturnType<typeof createAgent> = createAgent({
  model: new ScriptedModel(),
  tools: [sendMail, task, wait],
  middleware: [
    todoListMiddleware(),
    createMiddleware({ name: 'Files', stateSchema: Files, tools: [writeFile] }),
    humanInTheLoopMiddleware({
      interruptOn: {
        send_mail: { allowedDecisions: ['approve', 'edit', 'reject'], description: 'May this mail be sent?' },
      },
    }),
  ],
});
