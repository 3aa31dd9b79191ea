import { describe, expect, it } from '@jest/globals';
import type { CompiledGraph } from '../graphs/graph.js';
import { GraphExecution, type GraphExecutionOptions } from './graph-execution.js';

/** What LangGraph yields when it continues from a checkpoint at which one of two tasks had finished. */
const PARTS = [
  ['updates', { done: { a: 1 }, __metadata__: { cached: true } }],
  ['updates', { other: { a: 2 } }],
  ['values', { a: 3 }],
];

/** The execution of a graph that yields these parts. */
function executionOf(parts: unknown[][], options: Pick<GraphExecutionOptions, 'skipsCached' | 'emit'>): GraphExecution {
  const stream = async function* () {
    await Promise.resolve();
    yield* parts;
  };
  return new GraphExecution({
    graph: { stream: () => Promise.resolve(stream()) } as unknown as CompiledGraph,
    input: null,
    config: {},
    hidden: new Set(),
    run_id: 'r',
    stream_mode: new Set(['updates']),
    subgraphs: false,
    ...options,
  });
}

async function eventsOf(skipsCached: boolean): Promise<string[]> {
  const events: string[] = [];
  const execution = executionOf(PARTS, { skipsCached, emit: (event, json) => events.push(`${event} ${json}`) });
  await execution.run();
  expect(execution.outcome()).toEqual({ values: '{"a":3}', rawValues: { a: 3 }, interrupts: undefined });
  return events;
}

describe('GraphExecution', () => {
  const cached = `updates ${JSON.stringify(PARTS[0][1])}`;
  const fresh = `updates ${JSON.stringify(PARTS[1][1])}`;

  it('emits updates restored from a checkpoint, as LangGraph does', async () => {
    expect(await eventsOf(false)).toEqual([cached, fresh]);
  });

  it('omits them when an earlier attempt has already emitted them', async () => {
    expect(await eventsOf(true)).toEqual([fresh]);
  });

  const circle: Record<string, unknown> = {};
  circle.self = circle;

  it.each([
    ['a last state', [['values', { kept: circle }]], 'kept.self'],
    ['interrupts', [['values', { __interrupt__: [{ id: 'i', value: circle }] }]], '[0].value.self'],
  ])('fails on %s that cannot be serialized even without a reader, and has an outcome', async (_name, parts, place) => {
    const execution = executionOf(parts, { skipsCached: false, emit: () => undefined });
    await expect(execution.run()).rejects.toThrow(`Cannot serialize ${place}: it contains itself.`);
    expect(execution.outcome()).toEqual({});
  });
});
