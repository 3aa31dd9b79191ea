export { copyCheckpoints } from './checkpoints/copy-sql.js';
export { STORAGE } from './checkpoints/storage-sql.js';
export { DELETE_OLD_CHECKPOINTS, DELETE_RUNS, DELETE_THREADS } from './checkpoints/delete-sql.js';
export { LeaseLostError } from './checkpoints/lease-lost.error.js';
export { type CheckpointOwner, DiscardingCheckpointer, RunCheckpointer } from './checkpoints/run-checkpointer.js';
export { ExecutionModule } from './execution.module.js';
export type {
  CheckpointConfig,
  CompiledGraph,
  DrawnEdge,
  DrawnGraph,
  DrawnNode,
  GraphConfig,
  GraphInterrupt,
  GraphState,
} from './graphs/graph.js';
export * from './graphs/graph.errors.js';
export { GraphRegistry } from './graphs/graph-registry.js';
export { isCommand, toCommand, type WireCommand } from './runner/command.js';
export { GraphDrain, isDrained } from './runner/graph-drain.js';
export { GraphExecution, type GraphOutcome } from './runner/graph-execution.js';
export { toRunnableConfig, withoutInternalKeys } from './runner/runnable-config.js';
export { GraphInspector, type InspectedGraph } from './schemas/graph-inspector.js';
export type { GraphSchemas, JsonSchema } from './schemas/graph-schemas.js';
export * from './schemas/inspection.errors.js';
export { STREAM_MODES, type StreamMode } from './runner/stream-mode.js';
export { checkStrictResume, isUnknownInterrupt, resumeTargetOf } from './runner/strict-resume.js';
export {
  assertCheckpointExists,
  type CheckpointReference,
  GraphStateService,
  hasCheckpoint,
  type StateDraft,
  type StateOptions,
  type StateOwner,
} from './state/graph-state.service.js';
export { isStateField, selectState, STATE_FIELDS } from './state/select-state.js';
export * from './state/state.errors.js';
export * from './state/thread-state.dto.js';
export { CheckpointSelector } from './state/checkpoint-selector.dto.js';
