import { describe, expect, it } from '@jest/globals';
import { SubgraphLifecycle } from './subgraph-lifecycle.js';

const NODE = ['graph:step:1'];
const at = (path: string) => ({ langgraph_checkpoint_ns: path });

/** A graph whose node `child` has started a subgraph, whose node `inner` has started. */
async function begin(): Promise<{ lifecycle: SubgraphLifecycle; events: string[] }> {
  const events: string[] = [];
  const caughtUp = (): Promise<void> => Promise.resolve().then(() => void events.push('earlier events'));
  const lifecycle = new SubgraphLifecycle(caughtUp, (event, json) => events.push(`${event} ${json}`));
  await lifecycle.handleChainStart({}, {}, 'root');
  await lifecycle.handleChainStart({}, {}, 'node', 'root', NODE, at('child:1'));
  await lifecycle.handleChainStart({}, {}, 'graph', 'node', [], at('child:1'));
  await lifecycle.handleChainStart({}, {}, 'inner', 'graph', NODE, at('child:1|inner:2'));
  return { lifecycle, events };
}

const lifecycleEvent = (event: string, more: object = {}): string =>
  `lifecycle|child:1 ${JSON.stringify({ event, namespace: ['child:1'], ...more })}`;

describe('the lifecycle of a subgraph', () => {
  it('is emitted after all earlier events, and not for the root graph', async () => {
    const { lifecycle, events } = await begin();
    for (const run of ['inner', 'graph', 'node', 'root']) {
      await lifecycle.handleChainEnd({}, run);
    }
    expect(events).toEqual([
      'earlier events',
      lifecycleEvent('started'),
      'earlier events',
      lifecycleEvent('completed'),
    ]);
  });

  it.each([
    [
      'an error',
      new RangeError('too far'),
      lifecycleEvent('failed', { error: { error: 'RangeError', message: 'too far' } }),
    ],
    ['a thrown string', 'text', lifecycleEvent('failed', { error: { error: 'Error', message: 'text' } })],
    ['an interrupt', { is_bubble_up: true, interrupts: [] }, lifecycleEvent('interrupted')],
    ['a command for the parent graph', { is_bubble_up: true }, lifecycleEvent('completed')],
    ['a cancelled run', Object.assign(new Error(), { name: 'AbortError' }), lifecycleEvent('interrupted')],
  ])('ends with %s', async (_, error, expected) => {
    const { lifecycle, events } = await begin();
    await lifecycle.handleChainError(error, 'graph');
    expect(events.at(-1)).toBe(expected);
  });
});
