import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { onSourceImported } from '../../project-code/index.js';
import { GraphRegistry } from './graph-registry.js';

/** Editors write a file in several steps; milliseconds of silence that mean it is complete. */
const SETTLE_MS = 80;

/**
 * `dev`: loads the graphs anew when a source file that they have imported changes. Runs that have begun keep the graph that they
 * began with; threads and streams stay as they are.
 */
@Injectable()
export class GraphWatcher implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Graphs');
  private readonly files = new Set<string>();
  private readonly watchers = new Map<string, FSWatcher>();
  private readonly stopListening: () => void;
  private isWatching = false;
  private settle?: NodeJS.Timeout;
  private reloading: Promise<void> = Promise.resolve();

  constructor(
    @Inject(CONFIG) private readonly config: NestgraphConfig,
    private readonly graphs: GraphRegistry,
  ) {
    // From the first load on, which comes before the bootstrap.
    this.stopListening = config.reload ? onSourceImported((file) => this.add(file)) : () => undefined;
  }

  onApplicationBootstrap(): void {
    this.isWatching = this.config.reload;
    this.files.forEach((file) => this.watchFolderOf(file));
  }

  onModuleDestroy(): void {
    this.isWatching = false;
    this.stopListening();
    clearTimeout(this.settle);
    for (const watcher of this.watchers.values()) {
      watcher.close();
    }
  }

  private add(file: string): void {
    this.files.add(file);
    if (this.isWatching) {
      this.watchFolderOf(file);
    }
  }

  /** Folders, not files: editors replace a file by another one of the same name. */
  private watchFolderOf(file: string): void {
    const folder = path.dirname(file);
    if (this.watchers.has(folder)) {
      return;
    }
    try {
      this.watchers.set(
        folder,
        watch(folder, (_event, name) => this.changed(folder, name)),
      );
    } catch (error) {
      this.logger.warn(`Changes in ${folder} are not seen: ${(error as Error).message}`);
    }
  }

  private changed(folder: string, name: string | null): void {
    if (name !== null && this.files.has(path.join(folder, name))) {
      clearTimeout(this.settle);
      this.settle = setTimeout(() => {
        // One after the other: the last edit is the last one loaded.
        this.reloading = this.reloading.then(() => this.reload());
      }, SETTLE_MS);
    }
  }

  private async reload(): Promise<void> {
    const begin = performance.now();
    try {
      const loaded = await this.graphs.load();
      if (loaded.length > 0) {
        this.logger.log(`Reloaded ${loaded.join(', ')} in ${Math.round(performance.now() - begin)} ms`);
      }
    } catch (error) {
      this.logger.error(`The graphs could not be reloaded: ${String(error)}`);
    }
  }
}
