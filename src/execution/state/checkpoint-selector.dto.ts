import { canonicalCheckpointMap, canonicalNamespace } from '../../common/index.js';
import { FreeObject, IdOrName, readAs, StringField } from '../../http/index.js';

/** Some clients join the levels with NUL (contract 1.2, "checkpoint in history"). */
const readNamespace = (checkpoint_ns: unknown): unknown =>
  canonicalNamespace(typeof checkpoint_ns === 'string' ? checkpoint_ns.replaceAll('\0', '|') : checkpoint_ns);

/** Selects a checkpoint of a thread (contract 2.8); all fields are optional. */
export class CheckpointSelector {
  /** Ignored: the thread is the one in the path. */
  @IdOrName()
  thread_id?: string;
  /** Namespace; empty for the root graph, `node:task_id` for a subgraph, levels joined by `|`. */
  @readAs(readNamespace)
  @StringField()
  checkpoint_ns?: string;
  /** Checkpoint id; absent: the newest checkpoint of the namespace. */
  @IdOrName()
  checkpoint_id?: string;
  /** Checkpoint ids of all parent namespaces. */
  @FreeObject()
  @readAs(canonicalCheckpointMap)
  checkpoint_map?: Record<string, string>;
}
