import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';
import { GraphRegistry } from './graph-registry.js';

/** Editors write a file in several steps; milliseconds of silence that mean it is complete. */
const SETTLE_MS = 80;

/**
 * `dev`: loads the graphs anew when one of their source files changes. Runs that are under way keep the graph they
 * began with; threads and streams stay as they are.
 */
@Injectable()
export class GraphWatcher implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Graphs');
  private readonly watchers = new Map<string, FSWatcher>();
  private settle?: NodeJS.Timeout;
  private reloading: Promise<void> = Promise.resolve();

  constructor(
    @Inject(CONFIG) private readonly config: NestgraphConfig,
    private readonly graphs: GraphRegistry,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.reload) {
      this.watchInputs();
    }
  }

  onModuleDestroy(): void {
    clearTimeout(this.settle);
    for (const watcher of this.watchers.values()) {
      watcher.close();
    }
  }

  /** Folders, not files: editors replace a file by another one of the same name. */
  private watchInputs(): void {
    for (const folder of new Set(this.graphs.inputs.map((file) => path.dirname(file)))) {
      if (!this.watchers.has(folder)) {
        this.watchers.set(
          folder,
          watch(folder, (_event, name) => this.changed(folder, name)),
        );
      }
    }
  }

  private changed(folder: string, name: string | null): void {
    if (name !== null && this.graphs.inputs.includes(path.join(folder, name))) {
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
      await this.graphs.load();
      this.watchInputs();
      this.logger.log(`Reloaded ${this.graphs.ids.join(', ')} in ${Math.round(performance.now() - begin)} ms`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.logger.error(`${reason} (the graphs loaded before stay in use)`);
    }
  }
}
