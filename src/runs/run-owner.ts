import type { StateOwner } from '../execution/index.js';
import type { RunKwargs } from './run.entity.js';

/** Whose state a run's checkpoints are: of the graph that it executed, which need not be the thread's by now. */
export const ownerOf = ({ thread_id, kwargs }: { thread_id: string; kwargs: RunKwargs }): StateOwner => ({
  thread_id,
  graph_id: String(kwargs.config.configurable.graph_id),
  config: kwargs.config,
});
