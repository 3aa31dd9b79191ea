import { type DumpedValue, packValues } from './pack-values.js';

/** Rows of the checkpoint tables, to be written in one statement. */
export interface CheckpointRows {
  checkpoints: CheckpointRow[];
  blobs: BlobRow[];
  writes: WriteRow[];
}

export interface CheckpointRow {
  thread_id: string;
  checkpoint_ns: string;
  checkpoint_id: string;
  parent_id: string | null;
  /** JSON, without the channel values. */
  checkpoint: string;
  /** JSON. */
  metadata: string;
}

export interface BlobRow {
  thread_id: string;
  checkpoint_ns: string;
  channel: string;
  version: string;
  value: DumpedValue;
}

export interface WriteRow {
  thread_id: string;
  checkpoint_ns: string;
  checkpoint_id: string;
  task_id: string;
  task_path: string;
  idx: number;
  channel: string;
  value: DumpedValue;
  /** True for special writes (errors, interrupts, ...), which replace an existing row; ordinary writes do not. */
  replaces: boolean;
}

export const addRows = (to: CheckpointRows, { checkpoints, blobs, writes }: CheckpointRows): void => {
  to.checkpoints.push(...checkpoints);
  to.blobs.push(...blobs);
  to.writes.push(...writes);
};

/** Bytes of all values, checkpoints and metadata. */
export const bytesOf = ({ checkpoints, blobs, writes }: CheckpointRows): number =>
  sum(checkpoints.map(({ checkpoint, metadata }) => checkpoint.length + metadata.length)) +
  sum([...blobs, ...writes].map(({ value: [, bytes] }) => bytes?.byteLength ?? 0));

const sum = (sizes: number[]): number => sizes.reduce((total, size) => total + size, 0);

/** The parameters of `saveRows`: one array per column, in the order of the statement. */
export function toParameters({ checkpoints, blobs, writes: all }: CheckpointRows): unknown[] {
  const writes = lastOfEach(all);
  const [bytes, types, starts, lengths] = packValues([...blobs, ...writes].map(({ value }) => value));
  const ofBlobs = <T>(column: T[]): T[] => column.slice(0, blobs.length);
  const ofWrites = <T>(column: T[]): T[] => column.slice(blobs.length);
  return [
    bytes,
    checkpoints.map(({ thread_id }) => thread_id),
    checkpoints.map(({ checkpoint_ns }) => checkpoint_ns),
    checkpoints.map(({ checkpoint_id }) => checkpoint_id),
    checkpoints.map(({ parent_id }) => parent_id),
    checkpoints.map(({ checkpoint }) => checkpoint),
    checkpoints.map(({ metadata }) => metadata),
    blobs.map(({ thread_id }) => thread_id),
    blobs.map(({ checkpoint_ns }) => checkpoint_ns),
    blobs.map(({ channel }) => channel),
    blobs.map(({ version }) => version),
    ofBlobs(types),
    ofBlobs(starts),
    ofBlobs(lengths),
    writes.map(({ thread_id }) => thread_id),
    writes.map(({ checkpoint_ns }) => checkpoint_ns),
    writes.map(({ checkpoint_id }) => checkpoint_id),
    writes.map(({ task_id }) => task_id),
    writes.map(({ task_path }) => task_path),
    writes.map(({ idx }) => idx),
    writes.map(({ channel }) => channel),
    ofWrites(types),
    ofWrites(starts),
    ofWrites(lengths),
    writes.map(({ replaces }) => replaces),
  ];
}

/** A statement cannot write a row twice: of several writes with the same key, the last replacing one is kept. */
function lastOfEach(writes: WriteRow[]): WriteRow[] {
  const keyOf = ({ thread_id, checkpoint_ns, checkpoint_id, task_id, idx }: WriteRow): string =>
    [thread_id, checkpoint_ns, checkpoint_id, task_id, idx].join('\n');
  const replacing = new Map(writes.filter(({ replaces }) => replaces).map((row) => [keyOf(row), row]));
  return [...writes.filter((row) => !row.replaces && !replacing.has(keyOf(row))), ...replacing.values()];
}
