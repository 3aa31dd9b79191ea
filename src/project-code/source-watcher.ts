import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { Logger } from '@nestjs/common';

/** Editors write a file in several steps; milliseconds of silence that mean it is complete. */
const SETTLE_MS = 80;

/** Calls back with the files of a set that have changed, once they are complete. */
export class SourceWatcher {
  private readonly logger = new Logger('Sources');
  private readonly files = new Set<string>();
  private readonly folders = new Map<string, FSWatcher>();
  private changed = new Set<string>();
  private isWatching = false;
  private settle?: NodeJS.Timeout;

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
    clearTimeout(this.settle);
    this.folders.forEach((folder) => folder.close());
  }

  /** Folders, not files: editors replace a file by another one of the same name. */
  private watchFolderOf(file: string): void {
    const folder = path.dirname(file);
    if (this.folders.has(folder)) {
      return;
    }
    try {
      this.folders.set(
        folder,
        watch(folder, (_event, name) => this.note(folder, name)),
      );
    } catch (error) {
      this.logger.warn(`Changes in ${folder} are not seen: ${(error as Error).message}`);
    }
  }

  private note(folder: string, name: string | null): void {
    const file = name === null ? undefined : path.join(folder, name);
    if (file !== undefined && this.files.has(file)) {
      this.changed.add(file);
      clearTimeout(this.settle);
      this.settle = setTimeout(() => this.report(), SETTLE_MS);
    }
  }

  private report(): void {
    const files = [...this.changed];
    this.changed = new Set();
    this.onChange(files);
  }
}
