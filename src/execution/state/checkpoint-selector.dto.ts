import { FreeObject, Text } from '../../common/index.js';

/** Which checkpoint of a thread (contract 2.8); every field may be left out. */
export class CheckpointSelector {
  /** Ignored: the thread is the one in the path. */
  @Text()
  thread_id?: string;
  /** Namespace; empty for the root graph. */
  @Text()
  checkpoint_ns?: string;
  /** Id; the newest one of the namespace when absent. */
  @Text()
  checkpoint_id?: string;
  /** Checkpoint id of every namespace above. */
  @FreeObject()
  checkpoint_map?: Record<string, string>;
}
