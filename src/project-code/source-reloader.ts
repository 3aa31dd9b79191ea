import path from 'node:path';
import { Logger } from '@nestjs/common';
import { ImportGraph } from './import-graph.js';
import { FIRST_GENERATION, forgetCommonJsSources, onSourceImported, type SourceImport } from './import-source.js';
import { SourceWatcher } from './source-watcher.js';

/** What the server has made of sources of the project. */
export interface SourcePart {
  /** What the log calls it. */
  name: string;
  /** The files that the configuration names. */
  files: readonly string[];
}

/** A part that can be exchanged while the server runs. */
export interface ReloadablePart extends SourcePart {
  /**
   * Loads the part in another generation of modules and exchanges it. Returns the names of what has been loaded, when that is
   * not the part itself. When it throws, the part is as it was.
   */
  reload(generation: number): Promise<string[] | undefined>;
}

interface Settings {
  project_directory: string;
  /** Without it nothing is watched. */
  reload: boolean;
}

/**
 * `dev`: when a source changes that one of its parts has imported, all of them are loaded again, in one new generation of modules:
 * a module that two parts import has one instance in each generation. It has to exist before the first part is loaded.
 */
export class SourceReloader {
  private readonly logger = new Logger('Sources');
  private readonly watcher = new SourceWatcher((files) => this.enqueue(files));
  private readonly parts: ReloadablePart[] = [];
  private readonly fixedParts: SourcePart[] = [];
  private readonly imports = new ImportGraph();
  /** What fixed parts have imported is of the first generation. */
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

  /** A part that keeps its modules as long as the process runs: the log says when a restart is needed. */
  addFixedPart(part: SourcePart): void {
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

  /** One after the other: the last edit is the last one loaded. */
  private enqueue(changed: string[]): void {
    this.reloading = this.reloading.then(() => this.take(changed));
  }

  private async take(changed: string[]): Promise<void> {
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
    const inside: string[] = [];
    const whole: string[] = [];
    for (const part of this.parts) {
      try {
        const names = await part.reload(this.generation);
        (names ? inside : whole).push(...(names ?? [part.name]));
      } catch (error) {
        const reason = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
        this.logger.error(`${reason}; the version loaded before stays in use`);
      }
    }
    const loaded = [...inside, ...whole];
    if (loaded.length > 0) {
      this.logger.log(`Reloaded ${loaded.join(', ')} in ${Math.round(performance.now() - begin)} ms`);
    }
  }
}
