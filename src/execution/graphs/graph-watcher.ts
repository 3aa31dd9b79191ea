import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { onSourceImported } from '../../project-code/index.js';
import { GraphRegistry } from './graph-registry.js';

/** Editors write a file in several steps: wait until it has not changed for this long. */
const DEBOUNCE_MS = 80;

/**
 * Hot reload of `dev`: reloads the graphs when an imported source file changes. Active runs keep the graph that they
 * started with. Threads and streams are not affected.
 */
@Injectable()
export class GraphWatcher implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Graphs');
  private readonly files = new Set<string>();
  private readonly watchers = new Map<string, FSWatcher>();
  private readonly stopListening: () => void;
  private isWatching = false;
  private debounce?: NodeJS.Timeout;
  private reloading: Promise<void> = Promise.resolve();

  constructor(
    @Inject(CONFIG) private readonly config: NestgraphConfig,
    private readonly graphs: GraphRegistry,
  ) {
    // Listens from the first load on, which runs before the bootstrap.
    this.stopListening = config.reload ? onSourceImported((file) => this.add(file)) : () => undefined;
  }

  onApplicationBootstrap(): void {
    this.isWatching = this.config.reload;
    this.files.forEach((file) => this.watchFolderOf(file));
  }

  onModuleDestroy(): void {
    this.isWatching = false;
    this.stopListening();
    clearTimeout(this.debounce);
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

  /** Watches folders, not files: editors replace a file with a new one of the same name. */
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
      this.logger.warn(
        `Cannot watch ${folder} for changes, restart the server to load them: ${(error as Error).message}`,
      );
    }
  }

  private changed(folder: string, name: string | null): void {
    if (name !== null && this.files.has(path.join(folder, name))) {
      clearTimeout(this.debounce);
      this.debounce = setTimeout(() => {
        // Reloads run one after the other, so that the last edit is loaded last.
        this.reloading = this.reloading.then(() => this.reload());
      }, DEBOUNCE_MS);
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
      this.logger.error(`Reloading the graphs failed: ${String(error)}`);
    }
  }
}
