// The package that CopilotKit and other AG-UI clients use for LangGraph, and the AG-UI events that it makes.
import { type AgentSubscriber, type BaseEvent, EventType, type Message, type RunAgentParameters } from '@ag-ui/client';
import { LangGraphAgent, type LangGraphAgentConfig } from '@ag-ui/langgraph';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Client } from 'langgraph-sdk-newest';
import { connect, type FileServer, newGate } from '../support/sdk.js';

type Event = BaseEvent & Record<string, unknown>;

const ofType = (events: Event[], ...types: EventType[]): Event[] => events.filter(({ type }) => types.includes(type));
const joined = (events: Event[], type: EventType): string =>
  ofType(events, type)
    .map(({ delta }) => delta as string)
    .join('');
const said = (messages: Message[]): unknown[] => messages.map(({ role, content }) => [role, content]);
/** The messages of the thread, which end each run. */
const snapshotOf = (events: Event[]): Message[] =>
  ofType(events, EventType.MESSAGES_SNAPSHOT).at(-1)!.messages as Message[];
const call = (name: string, args: object): string => `${name} ${JSON.stringify(args)}`;

export function copilotKit(server: FileServer): void {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
    // It tells the application about names of its own that are deprecated.
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  });

  afterAll(() => {
    jest.restoreAllMocks();
  });

  const newAgent = (options: Partial<LangGraphAgentConfig> = {}): LangGraphAgent =>
    new LangGraphAgent({ deploymentUrl: server.url, graphId: 'agent', ...options });

  const run = async (
    agent: LangGraphAgent,
    parameters: RunAgentParameters = {},
    subscriber: AgentSubscriber = {},
  ): Promise<Event[]> => {
    const events: Event[] = [];
    await agent.runAgent(parameters, { onEvent: ({ event }) => void events.push(event), ...subscriber });
    return events;
  };
  const send = (agent: LangGraphAgent, content: string, parameters: RunAgentParameters = {}): Promise<Event[]> => {
    agent.addMessage({ id: crypto.randomUUID(), role: 'user', content });
    return run(agent, parameters);
  };

  it('streams answers on a thread, with the ids that the thread has', async () => {
    const agent = newAgent();
    const parameters = {
      tools: [{ name: 'paint', description: 'Paints the page.', parameters: { type: 'object', properties: {} } }],
      context: [{ description: 'the page', value: 'parrots' }],
      forwardedProps: { threadMetadata: { page: 'parrots' } },
    };
    const events = await send(agent, 'two parrots', parameters);
    const shown = [
      EventType.RUN_STARTED,
      EventType.TEXT_MESSAGE_START,
      EventType.TEXT_MESSAGE_CONTENT,
      EventType.TEXT_MESSAGE_END,
      EventType.MESSAGES_SNAPSHOT,
      EventType.RUN_FINISHED,
    ];
    const kinds = ofType(events, ...shown, EventType.RUN_ERROR).map(({ type }) => type);
    expect(kinds.filter((type, at) => type !== kinds[at - 1])).toEqual(shown);
    expect(joined(events, EventType.TEXT_MESSAGE_CONTENT)).toBe('You said two parrots.');
    expect(ofType(events, EventType.TEXT_MESSAGE_CONTENT).length).toBeGreaterThan(2);
    expect(ofType(events, EventType.STEP_STARTED).map(({ stepName }) => stepName)).toContain('model_request');

    await send(agent, 'cats');
    expect(said(agent.messages)).toEqual([
      ['user', 'two parrots'],
      ['assistant', 'You said two parrots.'],
      ['user', 'cats'],
      ['assistant', 'You said cats.'],
    ]);
    const thread = await client.threads.get<{ messages: { id: string }[] }>(agent.threadId);
    expect(thread).toMatchObject({ metadata: { page: 'parrots', graph_id: 'agent' }, status: 'idle' });
    expect(thread.values.messages.map(({ id }) => id)).toEqual(agent.messages.map(({ id }) => id));
  });

  it('shows a tool call piece by piece, its result, and the state that it has changed', async () => {
    const agent = newAgent();
    const args = { path: 'cage.md', content: 'closed' };
    const events = await send(agent, call('write_file', args));
    const [start] = ofType(events, EventType.TOOL_CALL_START);
    expect(start).toMatchObject({ toolCallName: 'write_file' });
    expect(ofType(events, EventType.TOOL_CALL_ARGS).length).toBeGreaterThan(1);
    expect(JSON.parse(joined(events, EventType.TOOL_CALL_ARGS))).toEqual(args);
    const { toolCallId } = start;
    expect(ofType(events, EventType.TOOL_CALL_END)).toMatchObject([{ toolCallId }]);
    expect(ofType(events, EventType.TOOL_CALL_RESULT)).toMatchObject([{ toolCallId, content: 'Wrote cage.md.' }]);
    expect(agent.state).toMatchObject({ files: { 'cage.md': 'closed' } });
    const message = call('write_file', args);
    expect(said(snapshotOf(events))).toEqual([
      ['user', message],
      ['assistant', ''],
      ['tool', 'Wrote cage.md.'],
      ['assistant', 'The tool returned: Wrote cage.md.'],
    ]);

    // The page edits the state, which the next run starts with.
    agent.setState({ ...agent.state, files: { 'cage.md': 'open' } });
    await send(agent, call('write_file', { path: 'food.md', content: 'seeds' }));
    const todos = [{ content: 'Feed the parrots', status: 'in_progress' }];
    await send(agent, call('write_todos', { todos }));
    expect(agent.state).toMatchObject({ files: { 'cage.md': 'open', 'food.md': 'seeds' }, todos });
  });

  it('asks the user, and resumes with the decision as older clients send it', async () => {
    const agent = newAgent();
    const asked = await send(agent, call('send_mail', { to: 'parrots' }));
    const [interrupt] = ofType(asked, EventType.CUSTOM);
    expect(interrupt).toMatchObject({ name: 'on_interrupt' });
    expect(JSON.parse(interrupt.value as string)).toMatchObject({
      actionRequests: [{ name: 'send_mail', args: { to: 'parrots' } }],
    });
    expect(asked.at(-1)).toMatchObject({ type: EventType.RUN_FINISHED });

    // Without a decision it asks again, and starts no run.
    expect(ofType(await run(agent), EventType.CUSTOM)).toMatchObject([{ value: interrupt.value }]);
    expect(await client.runs.list(agent.threadId)).toHaveLength(1);

    const resume = JSON.stringify({ decisions: [{ type: 'approve' }] });
    const events = await run(agent, { forwardedProps: { command: { resume } } });
    expect(ofType(events, EventType.CUSTOM, EventType.RUN_ERROR)).toEqual([]);
    expect(ofType(events, EventType.TOOL_CALL_RESULT)).toMatchObject([{ content: 'Sent to parrots.' }]);
    expect(snapshotOf(events).at(-1)).toMatchObject({ content: 'The tool returned: Sent to parrots.' });
  });

  it('asks the user, and resumes with the decision as AG-UI names it', async () => {
    const agent = newAgent({ emitInterruptOutcome: true });
    const asked = await send(agent, call('send_mail', { to: 'parrots' }));
    const [{ id }] = (asked.at(-1)!.outcome as { interrupts: { id: string }[] }).interrupts;
    const { tasks } = await client.threads.getState(agent.threadId);
    expect(tasks.flatMap(({ interrupts }) => interrupts)).toMatchObject([{ id }]);
    const payload = { decisions: [{ type: 'reject', message: 'Not now.' }] };
    const events = await run(agent, { resume: [{ interruptId: id, status: 'resolved', payload }] });
    expect(snapshotOf(events).at(-1)).toMatchObject({ content: 'The tool returned: Not now.' });
  });

  it('gives another answer to an earlier message', async () => {
    const agent = newAgent();
    await send(agent, 'parrots');
    await send(agent, 'cats');
    const [question, answer] = agent.messages;
    // It branches off only when a message comes along that is not on the thread, as an application's instructions.
    agent.setMessages([{ id: crypto.randomUUID(), role: 'system', content: 'Be brief.' }, question]);
    const events = await run(agent);
    const [again, other] = snapshotOf(events);
    expect(said([again, other])).toEqual([
      ['user', 'parrots'],
      ['assistant', 'You said parrots.'],
    ]);
    expect([snapshotOf(events).length, again.id]).toEqual([2, question.id]);
    expect(other.id).not.toBe(answer.id);
    const history = await client.threads.getHistory(agent.threadId, { limit: 100 });
    expect(history.some(({ values }) => (values as { messages?: Message[] }).messages?.length === 4)).toBe(true);
  });

  it('shows what a subagent says', async () => {
    const agent = newAgent();
    const events = await send(agent, call('task', { description: 'find parrots' }));
    expect(joined(events, EventType.TEXT_MESSAGE_CONTENT)).toContain('You said find parrots.');
    expect(ofType(events, EventType.TOOL_CALL_RESULT)).toMatchObject([{ content: 'You said find parrots.' }]);
    expect(snapshotOf(events).at(-1)).toMatchObject({ content: 'The tool returned: You said find parrots.' });
  });

  it('shows why a run has failed', async () => {
    const logged = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const events: BaseEvent[] = [];
    const agent = newAgent();
    agent.addMessage({ id: crypto.randomUUID(), role: 'user', content: 'fail' });
    const running = agent.runAgent({}, { onEvent: ({ event }) => void events.push(event) });
    // It rejects because it ends a step behind its own RUN_ERROR.
    await expect(running).rejects.toThrow('RUN_ERROR');
    logged.mockRestore();
    expect(events).toContainEqual(expect.objectContaining({ type: EventType.RUN_ERROR, message: 'out of beans' }));
    expect(await client.threads.get(agent.threadId)).toMatchObject({ status: 'error' });
  });

  it('stops a run', async () => {
    const agent = newAgent();
    agent.addMessage({ id: crypto.randomUUID(), role: 'user', content: call('wait', { gate: newGate().path }) });
    await run(agent, {}, { onStepStartedEvent: ({ event }) => void (event.stepName === 'tools' && agent.abortRun()) });
    const [{ status }] = await client.runs.list(agent.threadId);
    expect(status).toBe('interrupted');
  });
}
