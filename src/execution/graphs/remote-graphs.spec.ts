import { describe, expect, it } from '@jest/globals';
import { Annotation, END, MemorySaver, START, StateGraph } from '@langchain/langgraph';
import { RemoteGraph } from '@langchain/langgraph/remote';
import { toThreadState } from '../state/thread-state.dto.js';
import type { CompiledGraph } from './graph.js';
import { collapseRemoteGraphs } from './remote-graphs.js';

const State = Annotation.Root({ log: Annotation<string[]>() });

/** A client whose server rejects every request. */
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

/** A graph with a remote graph, and with another one inside a subgraph. */
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

describe('collapseRemoteGraphs', () => {
  it('draws a remote graph as one node at any depth', async () => {
    const view = collapseRemoteGraphs(graph);
    expect(await drawing(view, true)).toEqual(['__start__', 'inner:here', 'inner:distant', 'far', '__end__']);
    expect(await drawing(view, false)).toEqual(await drawing(graph, false));
    await expect(drawing(graph, true)).rejects.toThrow(/not supported for this graph/);
  });

  it('returns the state with the error of the remote server', async () => {
    const config = { configurable: { thread_id: '1' } };
    for await (const _ of await graph.stream({ log: [] }, config)) {
      // Runs until the interrupt.
    }
    await expect(graph.getState(config, { subgraphs: true })).rejects.toThrow('HTTP 403');
    const { tasks } = toThreadState(await collapseRemoteGraphs(graph).getState(config, { subgraphs: true }));
    expect(tasks).toMatchObject([
      { name: 'inner', state: { next: [] } },
      { name: 'far', state: null, checkpoint: null, state_error: 'HTTP 403: not for you' },
    ]);
  });
});
