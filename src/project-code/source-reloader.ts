import path from 'node:path';
import { Logger } from '@nestjs/common';
import { ImportGraph } from './import-graph.js';
import { FIRST_GENERATION, forgetCommonJsSources, onSourceImported, type SourceImport } from './import-source.js';
import { SourceWatcher } from './source-watcher.js';

/** A part of the server that is loaded from sources of the project and can be replaced while the process runs. */
export interface ReloadablePart {
  /** The files that the configuration names. */
  files: readonly string[];
  /**
   * Loads a generation of modules and replaces the part. Returns the names of what was loaded, for the log: the ids of
   * graphs, or the setting. When it throws, the part is unchanged.
   */
  reload(generation: number): Promise<readonly string[]>;
}

/** A part that keeps its modules until the process ends. */
export interface FixedPart {
  /** The setting, for the log. */
  name: string;
  /** The files that the configuration names. */
  files: readonly string[];
}

interface Settings {
  project_directory: string;
  /** False: no file is watched. */
  reload: boolean;
}

/**
 * `dev`: reloads all parts when a source changes that one of them has imported. They share one new generation of modules, so
 * that a module has one instance per generation even if two parts import it. Create the reloader before the first part is
 * loaded: it records imports from then on.
 */
export class SourceReloader {
  private readonly logger = new Logger('Sources');
  private readonly watcher = new SourceWatcher((files) => this.enqueue(files));
  private readonly parts: ReloadablePart[] = [];
  private readonly fixedParts: FixedPart[] = [];
  private readonly imports = new ImportGraph();
  /** Imports of the first generation, which fixed parts keep. */
  private readonly firstImports = new ImportGraph();
  private readonly stopListening: () => void;
  private generation = FIRST_GENERATION;
  private reloading: Promise<void> = Promise.resolve();

  constructor(private readonly settings: Settings) {
    this.stopListening = settings.reload ? onSourceImported((source) => this.add(source)) : () => undefined;
  }

  /** Parts are reloaded in the order in which they are added. */
  addPart(part: ReloadablePart): void {
    this.parts.push(part);
  }

  /** When a source of a fixed part changes, the log says that a restart is needed. */
  addFixedPart(part: FixedPart): void {
    this.fixedParts.push(part);
  }

  start(): void {
    if (this.settings.reload) {
      this.watcher.start();
    }
  }

  stop(): void {
    this.stopListening();
    this.watcher.stop();
  }

  private add({ file, importer, generation }: SourceImport): void {
    this.watcher.add(file);
    if (importer !== undefined) {
      this.imports.add(file, importer);
      if (generation === String(FIRST_GENERATION)) {
        this.firstImports.add(file, importer);
      }
    }
  }

  /** Reloads run one after the other, so that the last edit is loaded last. */
  private enqueue(changed: string[]): void {
    this.reloading = this.reloading.then(() => this.onChange(changed));
  }

  private async onChange(changed: string[]): Promise<void> {
    const uses = changed.map((file) => ({ file, fixed: this.fixedPartsWith(file) }));
    for (const { file, fixed } of uses.filter((use) => use.fixed.length > 0)) {
      const name = path.relative(this.settings.project_directory, file);
      this.logger.warn(`${name} has changed: restart nestgraph dev to use it in ${fixed.join(' and ')}`);
    }
    if (uses.some(({ file, fixed }) => fixed.length === 0 || this.isReloadable(file))) {
      await this.reload();
    }
  }

  private fixedPartsWith(file: string): string[] {
    return this.fixedParts.filter(({ files }) => this.firstImports.isUsedBy(files, file)).map(({ name }) => name);
  }

  private isReloadable(file: string): boolean {
    return this.parts.some(({ files }) => this.imports.isUsedBy(files, file));
  }

  private async reload(): Promise<void> {
    const begin = performance.now();
    this.generation += 1;
    forgetCommonJsSources();
    const loaded: string[] = [];
    for (const part of this.parts) {
      try {
        loaded.push(...(await part.reload(this.generation)));
      } catch (error) {
        const reason = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
        this.logger.error(`${reason}; the previously loaded version stays in use`);
      }
    }
    if (loaded.length > 0) {
      this.logger.log(`Reloaded ${loaded.sort().join(', ')} in ${Math.round(performance.now() - begin)} ms`);
    }
  }
}
