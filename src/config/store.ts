import { resolve } from 'node:path';
import type { LanggraphJson } from './langgraph-json.schema.js';
import { sweepIntervalMs } from './ttl.js';

/** The store that graphs and clients share. */
export interface StoreConfig {
  readonly ttl: {
    /** Minutes after which items expire that were put without their own ttl. Absent: they never expire. */
    readonly default_minutes?: number;
    /** Whether a read renews the ttl of an item, unless the request says otherwise. */
    readonly refresh_on_read: boolean;
    /** Milliseconds between two sweeps. */
    readonly sweep_interval_ms: number;
  };
  /** Settings of semantic search; absent if it is off. */
  readonly index?: StoreIndexConfig;
}

export interface StoreIndexConfig {
  readonly dims: number;
  /** The model of a provider, or the export of a file (absolute path). */
  readonly embed:
    { readonly provider: string; readonly model: string } | { readonly file: string; readonly export_name: string };
  /** Paths of the strings in a value that are embedded; `$` is the whole value. */
  readonly fields: readonly string[];
}

export const storeConfig = (
  { ttl, index }: NonNullable<LanggraphJson['store']> = {},
  project_directory: string,
): StoreConfig => ({
  ttl: {
    default_minutes: ttl?.default_ttl || undefined,
    refresh_on_read: ttl?.refresh_on_read ?? true,
    sweep_interval_ms: sweepIntervalMs(ttl),
  },
  ...(index && { index: storeIndexConfig(index, project_directory) }),
});

const storeIndexConfig = (
  { dims, embed, fields = ['$'] }: NonNullable<NonNullable<LanggraphJson['store']>['index']>,
  project_directory: string,
): StoreIndexConfig => ({
  dims,
  embed: 'path' in embed ? { file: resolve(project_directory, embed.path), export_name: embed.export_name } : embed,
  fields,
});
