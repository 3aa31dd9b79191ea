import { describe, expect, it } from '@jest/globals';
import { Annotation, END, MemorySaver, START, StateGraph } from '@langchain/langgraph';
import { RemoteGraph } from '@langchain/langgraph/remote';
import { toThreadState } from '../state/thread-state.dto.js';
import type { CompiledGraph } from './graph.js';
import { closeRemoteGraphs } from './remote-graphs.js';

const State = Annotation.Root({ log: Annotation<string[]>() });

/** The client of a server that refuses everything. */
const refuse = (): Promise<never> => Promise.reject(new Error('HTTP 403: not for you'));
const client = { threads: { getState: refuse }, assistants: { getGraph: refuse, getSubgraphs: refuse } };
const remote = (): RemoteGraph => new RemoteGraph({ graphId: 'far', client: client as never });

const inner = new StateGraph(State)
  .addNode('here', () => ({ log: ['here'] }))
  .addNode('distant', remote() as never)
  .addEdge(START, 'here')
  .addEdge('here', 'distant')
  .addEdge('distant', END)
  .compile({ interruptBefore: ['distant'] });

/** A graph with a part on another server, and one in a subgraph. */
const graph = new StateGraph(State)
  .addNode('inner', inner)
  .addNode('far', remote() as never)
  .addEdge(START, 'inner')
  .addEdge(START, 'far')
  .addEdge('inner', END)
  .addEdge('far', END)
  .compile({ checkpointer: new MemorySaver(), interruptBefore: ['far'] }) as unknown as CompiledGraph;

const drawing = async (drawn: CompiledGraph, xray: boolean | number) => {
  const { nodes } = (await drawn.getGraphAsync({ xray })).toJSON();
  return nodes.map(({ id }) => id);
};

describe('closeRemoteGraphs', () => {
  it('draws a graph on another server as one node, at any depth', async () => {
    const view = closeRemoteGraphs(graph);
    expect(await drawing(view, true)).toEqual(['__start__', 'inner:here', 'inner:distant', 'far', '__end__']);
    expect(await drawing(view, false)).toEqual(await drawing(graph, false));
    await expect(drawing(graph, true)).rejects.toThrow(/not supported for this graph/);
  });

  it('reads the state without that of the other server, and says why', async () => {
    const config = { configurable: { thread_id: '1' } };
    for await (const _ of await graph.stream({ log: [] }, config)) {
      // Until it is interrupted.
    }
    await expect(graph.getState(config, { subgraphs: true })).rejects.toThrow('HTTP 403');
    const { tasks } = toThreadState(await closeRemoteGraphs(graph).getState(config, { subgraphs: true }));
    expect(tasks).toMatchObject([
      { name: 'inner', state: { next: [] } },
      { name: 'far', state: null, checkpoint: null, state_error: 'HTTP 403: not for you' },
    ]);
  });
});
