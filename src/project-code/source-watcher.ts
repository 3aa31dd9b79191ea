import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { Logger } from '@nestjs/common';

/** Editors write a file in several steps. It counts as complete when no event has arrived for this time. */
const DEBOUNCE_MS = 80;

/** Watches a set of files. Calls back with those that have changed, once no further change has arrived for a while. */
export class SourceWatcher {
  private readonly logger = new Logger('Sources');
  private readonly files = new Set<string>();
  private readonly folders = new Map<string, FSWatcher>();
  private changed = new Set<string>();
  private isWatching = false;
  private debounce?: NodeJS.Timeout;

  constructor(private readonly onChange: (files: string[]) => void) {}

  add(file: string): void {
    this.files.add(file);
    if (this.isWatching) {
      this.watchFolderOf(file);
    }
  }

  start(): void {
    this.isWatching = true;
    this.files.forEach((file) => this.watchFolderOf(file));
  }

  stop(): void {
    this.isWatching = false;
    clearTimeout(this.debounce);
    this.folders.forEach((folder) => folder.close());
  }

  /** Watches the folder, because a watcher of a file loses it when an editor replaces the file. */
  private watchFolderOf(file: string): void {
    const folder = path.dirname(file);
    if (this.folders.has(folder)) {
      return;
    }
    try {
      this.folders.set(
        folder,
        watch(folder, (_event, name) => this.onEvent(folder, name)),
      );
    } catch (error) {
      this.logger.warn(`Cannot watch ${folder}: ${(error as Error).message}`);
    }
  }

  private onEvent(folder: string, name: string | null): void {
    const file = name === null ? undefined : path.join(folder, name);
    if (file !== undefined && this.files.has(file)) {
      this.changed.add(file);
      clearTimeout(this.debounce);
      this.debounce = setTimeout(() => this.report(), DEBOUNCE_MS);
    }
  }

  private report(): void {
    const files = [...this.changed];
    this.changed = new Set();
    this.onChange(files);
  }
}
