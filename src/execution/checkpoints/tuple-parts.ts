import type { CheckpointTuple } from '@langchain/langgraph';
import type { TupleRow } from './checkpoint-sql.js';

type Row<K extends TupleRow['kind']> = Extract<TupleRow, { kind: K }>;

/** Channel values and pending writes of several checkpoints, on their way into tuples. */
export class TupleParts {
  private readonly values = new Map<string, unknown>();
  private readonly writes = new Map<string, NonNullable<CheckpointTuple['pendingWrites']>>();

  addValue({ thread, ns, channel, version }: Row<'b'>, value: unknown): void {
    this.values.set(key(thread, ns, channel, version), value);
  }

  /** Writes are added in the order in which LangGraph replays them. */
  addWrite({ thread, ns, id, task_id, channel }: Row<'w'>, value: unknown): void {
    const place = key(thread, ns, id);
    const ofCheckpoint = this.writes.get(place) ?? [];
    ofCheckpoint.push([task_id, channel, value]);
    this.writes.set(place, ofCheckpoint);
  }

  toTuple({ thread: thread_id, ns: checkpoint_ns, id, parent_id, checkpoint, metadata }: Row<'c'>): CheckpointTuple {
    const { channel_versions = {}, versions_seen = {} } = checkpoint;
    const channel_values: Record<string, unknown> = {};
    for (const [channel, version] of Object.entries(channel_versions)) {
      const place = key(thread_id, checkpoint_ns, channel, String(version));
      if (this.values.has(place)) {
        channel_values[channel] = this.values.get(place);
      }
    }
    const reference = (checkpoint_id: string) => ({ configurable: { thread_id, checkpoint_ns, checkpoint_id } });
    return {
      config: reference(id),
      checkpoint: { ...checkpoint, channel_versions, versions_seen, channel_values },
      metadata,
      parentConfig: parent_id ? reference(parent_id) : undefined,
      pendingWrites: this.writes.get(key(thread_id, checkpoint_ns, id)) ?? [],
    };
  }
}

const key = (...parts: string[]): string => parts.join('\n');
