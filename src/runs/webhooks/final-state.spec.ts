import { Logger } from '@nestjs/common';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { GraphStateService } from '../../execution/index.js';
import type { Delivery, WebhookOutbox } from '../queue/webhook-outbox.js';
import { FinalState } from './final-state.js';

const CONFIG = { tags: ['t'], configurable: { graph_id: 'g', user: 'u' } };

const DELIVERY: Delivery = {
  run_id: 'run',
  thread_id: 'thread',
  url: '/x',
  target: '',
  payload: JSON.stringify({ kwargs: { config: CONFIG } }),
  state: '{"before":1}',
  read_state: true,
  caller: null,
  attempts: 1,
  lease_token: 'token',
};

/** A run whose final state is what `output` returns; undefined without a checkpoint. */
function given(output: () => Promise<unknown> = () => Promise.resolve(undefined)) {
  const asked: unknown[] = [];
  const kept: unknown[] = [];
  const outbox = { keepState: (_: Delivery, json: unknown) => Promise.resolve(void kept.push(json)) };
  const graphState = { getFinalState: (...args: unknown[]) => (asked.push(args), output()) };
  const finalState = new FinalState(outbox as unknown as WebhookOutbox, graphState as unknown as GraphStateService);
  return { finalState, asked, kept };
}

beforeAll(() => {
  Logger.overrideLogger(false);
});

describe('FinalState', () => {
  it('does not read the state when it is known', async () => {
    const { finalState, kept } = given();
    const known = { ...DELIVERY, read_state: false };
    expect(await finalState.complete(known)).toBe(known);
    expect(kept).toEqual([]);
  });

  it('reads the state of the last checkpoint, with the config of the run', async () => {
    const { finalState, asked, kept } = given(() => Promise.resolve({ values: { n: 1 }, tasks: [] }));
    expect(await finalState.complete(DELIVERY)).toEqual({ ...DELIVERY, state: '{"n":1}', read_state: false });
    expect(asked).toEqual([[{ thread_id: 'thread', graph_id: 'g', config: CONFIG }, 'run']]);
    expect(kept).toEqual(['{"n":1}']);
  });

  it.each([
    ['the run wrote no checkpoint', { thread_id: 'thread' }],
    ['the run was stateless', { thread_id: null }],
  ])('keeps the stored state when %s', async (_, delivery) => {
    const { finalState, kept } = given();
    expect((await finalState.complete({ ...DELIVERY, ...delivery })).state).toBe(DELIVERY.state);
    expect(kept).toEqual([undefined]);
  });

  it('keeps the stored state when the graph throws', async () => {
    const { finalState, kept } = given(() => Promise.reject(new Error('gone')));
    expect((await finalState.complete(DELIVERY)).state).toBe(DELIVERY.state);
    expect(kept).toEqual([undefined]);
  });
});
