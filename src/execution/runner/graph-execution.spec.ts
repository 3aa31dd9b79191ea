import { describe, expect, it } from '@jest/globals';
import type { CompiledGraph } from '../graphs/graph.js';
import { GraphExecution } from './graph-execution.js';

/** What LangGraph yields when it goes on from a checkpoint in which one of two tasks has been carried out. */
const PARTS = [
  ['updates', { done: { a: 1 }, __metadata__: { cached: true } }],
  ['updates', { other: { a: 2 } }],
  ['values', { a: 3 }],
];

async function eventsOf(skipsCached: boolean): Promise<string[]> {
  const events: string[] = [];
  const stream = async function* () {
    await Promise.resolve();
    yield* PARTS;
  };
  const execution = new GraphExecution({
    graph: { stream: () => Promise.resolve(stream()) } as unknown as CompiledGraph,
    input: null,
    config: {},
    hidden: new Set(),
    run_id: 'r',
    stream_mode: new Set(['updates']),
    subgraphs: false,
    skipsCached,
    emit: (event, json) => events.push(`${event} ${json}`),
  });
  await execution.run();
  expect(execution.outcome()).toEqual({ values: '{"a":3}', rawValues: { a: 3 }, interrupts: undefined });
  return events;
}

describe('GraphExecution', () => {
  const cached = `updates ${JSON.stringify(PARTS[0][1])}`;
  const fresh = `updates ${JSON.stringify(PARTS[1][1])}`;

  it('tells what is taken from a checkpoint, as LangGraph does', async () => {
    expect(await eventsOf(false)).toEqual([cached, fresh]);
  });

  it('does not tell it again to readers who have it from an earlier attempt', async () => {
    expect(await eventsOf(true)).toEqual([fresh]);
  });
});
