import type { CheckpointTuple } from '@langchain/langgraph';
import { type StoredCheckpoint, TASKS, type TupleRow } from './checkpoint-sql.js';

type Row<K extends TupleRow['kind']> = Extract<TupleRow, { kind: K }>;
type Version = StoredCheckpoint['channel_versions'][string];

/** Assembles the rows of several checkpoints into tuples. */
export class TupleParts {
  private readonly checkpoints: [Row<'c'>, metadata: unknown][] = [];
  private readonly values = new Map<string, unknown>();
  private readonly sends = new Map<string, unknown[]>();
  private readonly writes = new Map<string, NonNullable<CheckpointTuple['pendingWrites']>>();

  /** Rows of a kind must be added in their final order. */
  add(row: TupleRow, value: unknown): void {
    switch (row.kind) {
      case 'c':
        this.checkpoints.push([row, value]);
        break;
      case 'b':
        this.values.set(key(row.thread, row.ns, row.channel, row.version), value);
        break;
      case 's':
        append(this.sends, key(row.thread, row.ns, row.id), value);
        break;
      case 'w':
        append(this.writes, key(row.thread, row.ns, row.id), [row.task_id, row.channel, value]);
        break;
    }
  }

  toTuples(): CheckpointTuple[] {
    return this.checkpoints.map(([row, metadata]) => {
      const { thread: thread_id, ns: checkpoint_ns, id, parent_id } = row;
      const reference = (checkpoint_id: string) => ({ configurable: { thread_id, checkpoint_ns, checkpoint_id } });
      return {
        config: reference(id),
        checkpoint: this.toCheckpoint(row),
        metadata: metadata as CheckpointTuple['metadata'],
        parentConfig: parent_id ? reference(parent_id) : undefined,
        pendingWrites: this.writes.get(key(thread_id, checkpoint_ns, id)) ?? [],
      };
    });
  }

  private toCheckpoint({ thread, ns, id, checkpoint }: Row<'c'>): CheckpointTuple['checkpoint'] {
    const { channel_versions = {}, versions_seen = {} } = checkpoint;
    const channel_values: Record<string, unknown> = {};
    for (const [channel, version] of Object.entries(channel_versions)) {
      const place = key(thread, ns, channel, String(version));
      if (this.values.has(place)) {
        channel_values[channel] = this.values.get(place);
      }
    }
    const sends = this.sends.get(key(thread, ns, id));
    if (sends) {
      channel_values[TASKS] = sends;
      channel_versions[TASKS] = highest(Object.values(channel_versions)) ?? 1;
    }
    return { ...checkpoint, channel_versions, versions_seen, channel_values };
  }
}

const key = (...parts: string[]): string => parts.join('\n');

function append<T>(lists: Map<string, T[]>, place: string, value: T): void {
  const list = lists.get(place) ?? [];
  list.push(value);
  lists.set(place, list);
}

/** Compares versions as LangGraph does: numbers by value, anything that other savers use as strings. */
const highest = (versions: Version[]): Version | undefined =>
  versions.reduce<Version | undefined>((max, version) => {
    if (max === undefined) {
      return version;
    }
    const isHigher =
      typeof max === 'number' && typeof version === 'number'
        ? version > max
        : String(version).localeCompare(String(max)) > 0;
    return isHigher ? version : max;
  }, undefined);
