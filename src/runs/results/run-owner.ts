import type { StateOwner } from '../../execution/index.js';
import type { RunKwargs } from '../run.entity.js';

/**
 * The owner of a run's checkpoints: the graph that the run executed, which may differ from the thread's current graph.
 */
export const ownerOf = ({ thread_id, kwargs }: { thread_id: string; kwargs: RunKwargs }): StateOwner => ({
  thread_id,
  graph_id: String(kwargs.config.configurable.graph_id),
  config: kwargs.config,
});
