import { describe, expect, it } from '@jest/globals';
import { SubgraphLifecycle } from './subgraph-lifecycle.js';

const NODE = ['graph:step:1'];
const at = (path: string) => ({ langgraph_checkpoint_ns: path });

/** A graph whose node `child` has begun, in which a graph has begun whose node `inner` has. */
async function begin(): Promise<{ lifecycle: SubgraphLifecycle; events: string[] }> {
  const events: string[] = [];
  const caughtUp = (): Promise<void> => Promise.resolve().then(() => void events.push('what came before'));
  const lifecycle = new SubgraphLifecycle(caughtUp, (event, json) => events.push(`${event} ${json}`));
  await lifecycle.handleChainStart({}, {}, 'root');
  await lifecycle.handleChainStart({}, {}, 'node', 'root', NODE, at('child:1'));
  await lifecycle.handleChainStart({}, {}, 'graph', 'node', [], at('child:1'));
  await lifecycle.handleChainStart({}, {}, 'inner', 'graph', NODE, at('child:1|inner:2'));
  return { lifecycle, events };
}

const told = (event: string, more: object = {}): string =>
  `lifecycle|child:1 ${JSON.stringify({ event, namespace: ['child:1'], ...more })}`;

describe('the lifecycle of a subgraph', () => {
  it('is told behind what came before, and not of the root graph', async () => {
    const { lifecycle, events } = await begin();
    for (const run of ['inner', 'graph', 'node', 'root']) {
      await lifecycle.handleChainEnd({}, run);
    }
    expect(events).toEqual(['what came before', told('started'), 'what came before', told('completed')]);
  });

  it.each([
    ['an error', new RangeError('too far'), told('failed', { error: { error: 'RangeError', message: 'too far' } })],
    ['something that is no error', 'text', told('failed', { error: { error: 'Error', message: 'text' } })],
    ['a question', { is_bubble_up: true, interrupts: [] }, told('interrupted')],
    ['a command for the graph above', { is_bubble_up: true }, told('completed')],
    ['the end of its run from outside', Object.assign(new Error(), { name: 'AbortError' }), told('interrupted')],
  ])('ends with %s', async (_, error, expected) => {
    const { lifecycle, events } = await begin();
    await lifecycle.handleChainError(error, 'graph');
    expect(events.at(-1)).toBe(expected);
  });
});
