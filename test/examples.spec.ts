import { createRequire } from 'node:module';
import { afterEach, describe, expect, it } from '@jest/globals';
import { HumanMessage, ToolMessage, type AIMessage, type BaseMessage } from '@langchain/core/messages';
import { Command, isInterrupted, INTERRUPT, MemorySaver } from '@langchain/langgraph';
import { graph as chat } from '../examples/chat.js';
import { ParrotChatModel } from '../examples/models.js';
import { graph as research } from '../examples/research.js';
import { graph as review } from '../examples/review.js';
import { graph as tools } from '../examples/tools.js';

const { graph: counter } = createRequire(import.meta.url)('../examples/counter.cjs') as {
  graph: (config: { configurable?: Record<string, unknown> }) => {
    checkpointer?: unknown;
    invoke(input: object, config: object): Promise<unknown>;
  };
};

let threads = 0;
const newThread = () => ({ configurable: { thread_id: `thread-${++threads}` } });
const ask = (text: string) => ({ messages: [new HumanMessage(text)] });
const lastText = ({ messages }: { messages: BaseMessage[] }) => messages.at(-1)?.text;

afterEach(() => {
  for (const graph of [chat, review]) {
    graph.checkpointer = undefined;
  }
});

describe('ParrotChatModel', () => {
  it('gives the same answer streamed and in one piece', async () => {
    const model = new ParrotChatModel();
    const whole = await model.invoke('Hello there');
    const parts: string[] = [];
    for await (const chunk of await model.stream('Hello there')) {
      parts.push(chunk.text);
    }

    expect(whole.text).toBe('You said: "Hello there". That was message 1 from you.');
    expect(whole.id).toMatch(/^parrot-/);
    expect(whole.usage_metadata).toEqual({ input_tokens: 2, output_tokens: 10, total_tokens: 12 });
    expect(parts.filter(Boolean)).toHaveLength(10);
    expect(parts.join('')).toBe(whole.text);
  });

  it('streams the tool calls it makes in one piece', async () => {
    const model = new ParrotChatModel().bindTools([
      { type: 'function', function: { name: 'calculate', parameters: {} } },
    ]);
    const whole = await model.invoke('2 + 3');
    let streamed: AIMessage | undefined;
    for await (const chunk of await model.stream('2 + 3')) {
      streamed = streamed ? chunk.concat(streamed as never) : chunk;
    }

    const call = { name: 'calculate', args: { a: 2, operator: '+', b: 3 } };
    expect(whole.tool_calls).toEqual([expect.objectContaining(call)]);
    expect(streamed?.tool_calls).toEqual([expect.objectContaining(call)]);
  });

  it('stops when its signal aborts', async () => {
    const controller = new AbortController();
    const answer = new ParrotChatModel({ delay: 60_000 }).stream('Hello', { signal: controller.signal });
    controller.abort();

    await expect(answer.then((stream) => stream.next())).rejects.toThrow(/abort/i);
  });
});

describe('chat', () => {
  it('streams the answer token by token', async () => {
    const tokens: string[] = [];
    const ids = new Set<string | undefined>();
    for await (const [message, metadata] of await chat.stream(ask('Hello there'), { streamMode: 'messages' })) {
      expect(metadata['langgraph_node']).toBe('model');
      tokens.push(message.text);
      ids.add(message.id);
    }

    expect(tokens.slice(0, 3)).toEqual(['You ', 'said: ', '"Hello ']);
    expect(tokens.join('')).toBe('You said: "Hello there". That was message 1 from you.');
    expect(ids.size).toBe(1);
  });

  it('takes the system prompt from the context', async () => {
    const state = await chat.invoke(ask('Hello'), { context: { system_prompt: 'Be brief.' } });

    expect(lastText(state)).toBe('(Be brief.) You said: "Hello". That was message 1 from you.');
    expect(state.messages).toHaveLength(2);
  });

  it('remembers the earlier messages of a thread', async () => {
    chat.checkpointer = new MemorySaver();
    const thread = newThread();
    await chat.invoke(ask('First'), thread);

    expect(lastText(await chat.invoke(ask('Second'), thread))).toContain('message 2 from you');
  });

  it('refuses a context of the wrong type', async () => {
    await expect(chat.invoke(ask('Hello'), { context: { system_prompt: 7 as never } })).rejects.toThrow();
  });
});

describe('tools', () => {
  it('answers with what the tools said', async () => {
    const state = await tools.invoke(ask('What is the weather in New York and what is 2 + 3?'));
    const results = state.messages.filter((message) => ToolMessage.isInstance(message));

    expect(results.map((result) => [result.name, result.text])).toEqual([
      ['get_weather', 'It is 17 °C and windy in New York.'],
      ['calculate', '2 + 3 = 5.'],
    ]);
    expect(lastText(state)).toBe('It is 17 °C and windy in New York. 2 + 3 = 5.');
  });

  it.each([
    ['weather in paris', 'It is 21 °C and sunny in paris.'],
    ['Weather in Saint-Denis?', 'It is 18 °C and cloudy in Saint-Denis.'],
    ['7 - 10', '7 - 10 = -3.'],
    ['1.5*4', '1.5 * 4 = 6.'],
    ['9 / 2', '9 / 2 = 4.5.'],
    ['Hello', 'You said: "Hello". That was message 1 from you.'],
  ])('answers %j with %j', async (question, answer) => {
    expect(lastText(await tools.invoke(ask(question)))).toBe(answer);
  });

  it('continues when a tool fails', async () => {
    const state = await tools.invoke(ask('1 / 0'));
    const [result] = state.messages.filter((message) => ToolMessage.isInstance(message));

    expect(result?.status).toBe('error');
    expect(lastText(state)).toContain('Cannot divide by zero.');
  });
});

describe('review', () => {
  const draft = 'Good news about parrots!';

  async function untilReview() {
    review.checkpointer = new MemorySaver();
    const thread = newThread();
    return { thread, state: await review.invoke({ topic: 'parrots' }, thread) };
  }

  it('waits for a person with the draft in hand', async () => {
    const { thread, state } = await untilReview();

    expect(isInterrupted(state) && state[INTERRUPT][0]?.value).toEqual({
      draft,
      question: 'May this text be published?',
    });
    expect((await review.getState(thread)).next).toEqual(['review']);
  });

  it.each([
    [{ approved: true }, { text: draft, status: 'published' }],
    [
      { approved: true, edit: 'Better news!' },
      { text: 'Better news!', status: 'published' },
    ],
    [{ approved: false }, { text: draft, status: 'rejected' }],
    ['yes', { text: draft, status: 'published' }],
    ['no', { text: draft, status: 'rejected' }],
    ['Other news!', { text: 'Other news!', status: 'published' }],
  ])('resumed with %j it ends with %j', async (resume, expected) => {
    const { thread } = await untilReview();

    expect(await review.invoke(new Command({ resume }), thread)).toMatchObject(expected);
    expect((await review.getState(thread)).next).toEqual([]);
  });

  it('still waits after an answer it cannot read', async () => {
    const { thread } = await untilReview();

    await expect(review.invoke(new Command({ resume: { verdict: 'fine' } }), thread)).rejects.toThrow();
    expect((await review.getState(thread)).next).toEqual(['review']);
    expect(await review.invoke(new Command({ resume: 'yes' }), thread)).toMatchObject({ status: 'published' });
  });
});

describe('research', () => {
  const input = { question: 'Why do parrots talk?' };

  it('joins both branches in the report', async () => {
    const state = await research.invoke(input);

    expect(state.report.split('\n')).toEqual([
      'The library has page 1 of "Why do parrots talk?".',
      'The library has page 2 of "Why do parrots talk?".',
      'The expert says: You said: "Why do parrots talk?". That was message 1 from you.',
    ]);
    expect(state).not.toHaveProperty('pages');
  });

  it('reports progress from the graph and its subgraph', async () => {
    const progress: string[] = [];
    const stream = await research.stream(input, { streamMode: 'custom', subgraphs: true });
    for await (const [namespace, event] of stream as AsyncIterable<[string[], { progress: string }]>) {
      progress.push(`${namespace.map((part) => part.split(':')[0]).join('|')}: ${event.progress}`);
    }

    expect(new Set(progress)).toEqual(
      new Set([
        'library: Reading page 1 of "Why do parrots talk?"',
        'library: Reading page 2 of "Why do parrots talk?"',
        ': Asking the expert',
        ': Writing the report',
      ]),
    );
    expect(progress.at(-1)).toBe(': Writing the report');
  });

  it('keeps the pages inside the subgraph', async () => {
    const updates: object[] = [];
    const stream = await research.stream(input, { streamMode: 'updates', subgraphs: true });
    for await (const [namespace, update] of stream as AsyncIterable<[string[], object]>) {
      updates.push({ in: namespace.map((part) => part.split(':')[0]), update });
    }

    const pages = [1, 2].map((page) => `page ${page} of "${input.question}"`);
    const findings = pages.map((page) => `The library has ${page}.`);
    expect(updates).toContainEqual({ in: ['library'], update: { find: { pages } } });
    expect(updates).toContainEqual({ in: [], update: { library: expect.objectContaining({ findings }) } });
  });
});

describe('counter', () => {
  it('counts by the step of each run', async () => {
    const checkpointer = new MemorySaver();
    const thread = newThread();
    const run = (step?: number) => {
      const config = { configurable: { ...thread.configurable, ...(step && { step }) } };
      const graph = counter(config);
      graph.checkpointer = checkpointer;
      return graph.invoke({}, config);
    };

    expect(await run()).toEqual({ count: 1 });
    expect(await run(10)).toEqual({ count: 11 });
  });
});
