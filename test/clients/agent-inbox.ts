// The calls of agent-inbox, with their options, and what it reads from the answers.
import { beforeAll, expect, it } from '@jest/globals';
import type { Thread } from 'langgraph-sdk-newest';
import { Client } from 'langgraph-sdk-newest';
import { collect, connect, type FileServer, human, newThread, type Part } from '../support/sdk.js';

type Status = Thread['status'];

/** What the agent asks for, in the form that the inbox can show. */
interface HumanInterrupt {
  action_request: { action: string; args: Record<string, unknown> };
  config: { allow_accept: boolean; allow_edit: boolean; allow_respond: boolean; allow_ignore: boolean };
  description?: string;
}

interface State extends Record<string, unknown> {
  messages: { type: string; content: string }[];
}

/** A node that starts to run, which the inbox shows while it sends a decision. */
const startedNode = ({ data }: Part): string[] => {
  const { event, metadata } = data as { event: string; metadata?: { langgraph_node?: string } };
  return event === 'on_chain_start' && metadata?.langgraph_node ? [metadata.langgraph_node] : [];
};

export function agentInbox(server: FileServer): void {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url, { 'x-api-key': 'key' });
  });

  /** A page of an inbox, newest first: all threads of a graph or an assistant, or those of one status. */
  const list = async (
    metadata: Record<string, string>,
    status?: Status,
    page: object = {},
  ): Promise<Thread<State>[]> => {
    const found = await client.threads.search<State>({
      offset: 0,
      limit: 10,
      ...page,
      ...(status && { status }),
      metadata,
    });
    return found.sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  };
  const idsOf = (threads: Thread<State>[]): string[] => threads.map(({ thread_id }) => thread_id);

  const interruptsOf = ({ interrupts }: Thread<State>): HumanInterrupt[] =>
    Object.values(interrupts).flatMap(([{ value }]) => value as HumanInterrupt[]);

  /** A thread on which the agent asks whether it may send a mail. */
  const ask = async (): Promise<string> => {
    const thread_id = await newThread(client);
    await client.runs.wait(thread_id, 'inbox', { input: { messages: [human('mail')] } });
    return thread_id;
  };

  const saidOn = async (thread_id: string): Promise<string[]> => {
    const { values } = await client.threads.getState<State>(thread_id);
    return values.messages.map(({ content }) => content);
  };

  it('lists the interrupted threads of a graph or of an assistant, with what the agent wants to do', async () => {
    const idle = await newThread(client);
    await client.runs.wait(idle, 'inbox', { input: { messages: [human('parrots')] } });
    const [first, second] = [await ask(), await ask()];
    const metadata = { graph_id: 'inbox' };

    const interrupted = await list(metadata, 'interrupted');
    expect(idsOf(interrupted)).toEqual([second, first]);
    expect(interrupted.map(interruptsOf)).toEqual(
      [1, 2].map(() => [
        {
          action_request: { action: 'send_mail', args: { to: 'parrots' } },
          config: { allow_accept: true, allow_edit: true, allow_respond: true, allow_ignore: true },
          description: 'May this mail be sent?',
        },
      ]),
    );
    expect(idsOf(await list(metadata))).toEqual([second, first, idle]);
    expect(idsOf(await list(metadata, 'idle'))).toEqual([idle]);
    expect(idsOf(await list(metadata, 'interrupted', { limit: 1, offset: 1 }))).toHaveLength(1);
    expect(await list(metadata, 'interrupted', { offset: 2 })).toEqual([]);

    const [{ assistant_id }] = await client.assistants.search({ graphId: 'inbox' });
    expect(idsOf(await list({ assistant_id }, 'interrupted'))).toEqual([second, first]);
    expect(await list({ graph_id: 'ask' }, 'interrupted')).toEqual([]);
  });

  it.each([
    ['accepts', { type: 'accept', args: { action: 'send_mail', args: { to: 'parrots' } } }],
    ['edits', { type: 'edit', args: { action: 'send_mail', args: { to: 'cats' } } }],
    ['responds to', { type: 'response', args: 'Later.' }],
  ])('%s what the agent wants to do, and follows its nodes', async (_, decision) => {
    const thread_id = await ask();
    expect(interruptsOf(await client.threads.get<State>(thread_id))).toHaveLength(1);
    const stream = client.runs.stream(thread_id, 'inbox', { command: { resume: [decision] }, streamMode: 'events' });
    const parts = await collect(stream);
    expect(parts.filter(({ event }) => event === 'error')).toEqual([]);
    expect([...new Set(parts.filter(({ event }) => event === 'events').flatMap(startedNode))]).toEqual(['review']);

    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', interrupts: {} });
    expect(await saidOn(thread_id)).toEqual([
      'mail',
      '',
      `${decision.type} ${JSON.stringify(decision.args)}`,
      'That is done.',
    ]);
    expect(idsOf(await list({ graph_id: 'inbox' }, 'interrupted'))).not.toContain(thread_id);
  });

  it('ignores what the agent wants to do, without waiting for the run', async () => {
    const thread_id = await ask();
    const { run_id } = await client.runs.create(thread_id, 'inbox', {
      command: { resume: [{ type: 'ignore', args: null }] },
    });
    await client.runs.join(thread_id, run_id);
    expect(await saidOn(thread_id)).toEqual(['mail', '', 'ignore null', 'That is done.']);
    expect(idsOf(await list({ graph_id: 'inbox' }, 'interrupted'))).not.toContain(thread_id);
  });

  it('marks a thread as resolved: its graph has ended, and the agent does not run', async () => {
    const thread_id = await ask();
    await client.threads.updateState(thread_id, { values: null, asNode: '__end__' });
    expect(await client.threads.get(thread_id)).toMatchObject({ status: 'idle', interrupts: {} });
    expect(await client.threads.getState(thread_id)).toMatchObject({ next: [], tasks: [] });
    expect(await saidOn(thread_id)).toEqual(['mail', '']);
    expect(await client.runs.list(thread_id)).toHaveLength(1);
    expect(idsOf(await list({ graph_id: 'inbox' }, 'interrupted'))).not.toContain(thread_id);
  });

  it('shows a thread that stopped before a node, although nothing is asked on it', async () => {
    const thread_id = await newThread(client);
    await client.runs.wait(thread_id, 'ask', { input: { question: 'why?' }, interruptBefore: ['ask'] });
    const [thread] = await list({ graph_id: 'ask' }, 'interrupted');
    expect(thread).toMatchObject({ thread_id, interrupts: {} });
    // It reads the last task for want of an interrupt.
    const { tasks, next } = await client.threads.getState(thread_id);
    expect([tasks.at(-1)?.interrupts, next]).toEqual([[], ['ask']]);
  });
}
