import { access, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleModules, buildProblems, type Bundle } from '../../common/index.js';
import type { GraphSpec } from '../../config/index.js';
import type { CompiledGraph, GraphConfig } from './graph.js';
import { GraphFolderError, GraphLoadError } from './graph.errors.js';

/** Gives the graph of a run: the same one each time, or a new one from the user's factory. */
export type GraphSource = (config: GraphConfig) => Promise<CompiledGraph>;

export interface LoadedGraphs {
  sources: Map<string, GraphSource>;
  /** Source files to watch. */
  inputs: string[];
}

/**
 * Loads graph sources, each time into a new generation of modules, so that a reload never sees stale code. Older
 * generations stay on disk: a run that began with one may import a part of it only later.
 */
export class GraphLoader {
  private generation = 0;

  constructor(
    private readonly specs: readonly GraphSpec[],
    private readonly projectDirectory: string,
  ) {}

  /** Throws {@link GraphLoadError} for the first graph that fails; nothing of what was loaded before is touched. */
  async load(): Promise<LoadedGraphs> {
    await this.assertFilesExist();
    const bundle = await this.bundle();
    const sources = new Map<string, GraphSource>();
    for (const spec of this.specs) {
      sources.set(spec.graph_id, await this.importGraph(spec, bundle.outputs.get(spec.file)!));
    }
    return { sources, inputs: bundle.inputs };
  }

  /** Inside the project, so that the packages its graphs import are found from there. */
  private get root(): string {
    return path.join(this.projectDirectory, '.nestgraph', 'graphs');
  }

  private get generationName(): string {
    return `${process.pid}-${this.generation}`;
  }

  private async bundle(): Promise<Bundle> {
    this.generation += 1;
    const outdir = path.join(this.root, this.generationName);
    await mkdir(outdir, { recursive: true }).catch((error: Error) => {
      throw new GraphFolderError(outdir, error);
    });
    try {
      return await bundleModules(
        this.specs.map(({ file }) => file),
        outdir,
        this.projectDirectory,
      );
    } catch (error) {
      throw this.toLoadError(error);
    }
  }

  private toLoadError(error: unknown): unknown {
    const problems = buildProblems(error);
    if (!problems) {
      return error;
    }
    const failed = problems.map(({ file }) => file && path.resolve(this.projectDirectory, file));
    const spec = this.specs.find(({ file }) => failed.includes(file)) ?? this.specs[0];
    return new GraphLoadError(spec.graph_id, location(spec), problems.map(({ text }) => text).join('; '), error);
  }

  private async assertFilesExist(): Promise<void> {
    for (const spec of this.specs) {
      await access(spec.file).catch(() => {
        throw new GraphLoadError(spec.graph_id, location(spec), `the file ${spec.file} does not exist`);
      });
    }
  }

  private async importGraph(spec: GraphSpec, output: string): Promise<GraphSource> {
    const fail = (reason: string, cause?: unknown): never => {
      throw new GraphLoadError(spec.graph_id, location(spec), reason, cause);
    };
    let module: Record<string, unknown>;
    try {
      module = (await import(pathToFileURL(output).href)) as Record<string, unknown>;
    } catch (error) {
      return fail(reasonOf(error), error);
    }
    const exported = findExport(module, spec.export_name);
    if (exported === undefined) {
      const names = exportNames(module).join(', ') || 'nothing';
      return fail(`it has no export "${spec.export_name}"; it exports ${names}`);
    }
    try {
      return await toSource(exported);
    } catch (error) {
      return fail(reasonOf(error), error);
    }
  }

  /** Removes what this process has compiled, when nothing runs any more, and what processes that are gone have left. */
  async clean(): Promise<void> {
    const names = await readdir(this.root).catch(() => []);
    const stale = names.filter((name) => !belongsToAnotherProcess(name));
    await Promise.all(stale.map((name) => rm(path.join(this.root, name), { recursive: true, force: true })));
  }
}

function belongsToAnotherProcess(name: string): boolean {
  const pid = Number(name.split('-')[0]);
  if (pid === process.pid) {
    return false;
  }
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const location = ({ file, export_name }: GraphSpec): string => `${file}:${export_name}`;

const reasonOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/** A CommonJS module arrives whole as the default export. */
function findExport(module: Record<string, unknown>, name: string): unknown {
  const commonJs = module.default as Record<string, unknown> | undefined;
  return module[name] ?? commonJs?.[name];
}

function exportNames(module: Record<string, unknown>): string[] {
  const commonJs = module.default;
  return Object.keys(typeof commonJs === 'object' && commonJs !== null ? { ...module, ...commonJs } : module);
}

/** A graph, a builder, a promise of either, or a factory of any of these that is called anew for each use. */
async function toSource(exported: unknown): Promise<GraphSource> {
  const value = await exported;
  if (typeof value === 'function') {
    const factory = value as (config: GraphConfig) => unknown;
    return async (config) => toGraph(await factory(config));
  }
  const graph = toGraph(value);
  return () => Promise.resolve(graph);
}

function toGraph(value: unknown): CompiledGraph {
  const candidate = value as { withConfig?: unknown; streamMode?: unknown; compile?: unknown; graph?: unknown } | null;
  if (typeof candidate !== 'object' || candidate === null) {
    throw new Error(`expected a graph, a builder or a factory, got ${value === null ? 'null' : typeof value}`);
  }
  if (typeof candidate.withConfig === 'function' && candidate.streamMode !== undefined) {
    return candidate as unknown as CompiledGraph;
  }
  if (typeof candidate.compile === 'function') {
    return (candidate.compile as () => CompiledGraph).call(candidate);
  }
  // Agents of the `langchain` package keep the real graph inside.
  if (typeof candidate.graph === 'object' && candidate.graph !== null) {
    return toGraph(candidate.graph);
  }
  throw new Error('expected a graph, a builder or a factory, got an object of another kind');
}
