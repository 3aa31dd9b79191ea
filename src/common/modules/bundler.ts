import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type BuildFailure, type Loader, type Plugin } from 'esbuild';

export interface Bundle {
  /** Source file → file to import. */
  outputs: Map<string, string>;
  /** Every source file that went in; a change to one of them asks for a reload. */
  inputs: string[];
}

const LOADERS: Record<string, Loader> = {
  '.ts': 'ts', '.mts': 'ts', '.cts': 'ts', '.tsx': 'tsx',
  '.js': 'js', '.mjs': 'js', '.cjs': 'js', '.jsx': 'jsx',
}; // prettier-ignore

/** CommonJS that stays outside the bundle is required from the project, where the output lies. */
const REQUIRE_BANNER =
  "import { createRequire as __nestgraphRequire } from 'node:module'; const require = __nestgraphRequire(import.meta.url);";

/**
 * Compiles source files of users in one build, so that modules they share are evaluated once. Packages stay
 * outside, so that every package has one instance. Why esbuild: see docs/decisions/0003-loading-graphs.md.
 */
export async function bundleModules(files: string[], outdir: string, projectDirectory: string): Promise<Bundle> {
  const entries = [...new Set(files)].map((file, index) => ({ file, name: `module-${index}` }));
  const { metafile } = await build({
    entryPoints: Object.fromEntries(entries.map(({ file, name }) => [name, file])),
    absWorkingDir: projectDirectory,
    outdir,
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    outExtension: { '.js': '.mjs' },
    sourcemap: 'inline',
    keepNames: true,
    metafile: true,
    banner: { js: REQUIRE_BANNER },
    plugins: [oneLangchain, ownLocation],
    logLevel: 'silent',
  });
  return {
    outputs: new Map(entries.map(({ file, name }) => [file, path.join(outdir, `${name}.mjs`)])),
    inputs: Object.keys(metafile.inputs)
      .filter((input) => !input.startsWith('one-langchain:'))
      .map((input) => path.resolve(projectDirectory, input)),
  };
}

/** What esbuild found wrong, one `file:line: text` each; `undefined` when the error is not about the sources. */
export function buildProblems(error: unknown): { file?: string; text: string }[] | undefined {
  const errors = (error as Partial<BuildFailure>).errors;
  return errors?.map(({ text, location }) =>
    location ? { file: location.file, text: `${location.file}:${location.line}: ${text}` } : { text },
  );
}

/**
 * `require('@langchain/…')` would load the CommonJS build of the package beside the ESM one: two copies of every
 * class. The call is answered with the ESM copy instead.
 */
const oneLangchain: Plugin = {
  name: 'one-langchain',
  setup(bundler) {
    bundler.onResolve(
      { filter: /^@langchain\/(core|langgraph|langgraph-checkpoint)(\/|$)/ },
      ({ kind, path: specifier, resolveDir }) =>
        kind === 'require-call' ? { path: specifier, namespace: 'one-langchain', pluginData: resolveDir } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: 'one-langchain' }, ({ path: specifier, pluginData }) => ({
      contents: `export * from ${JSON.stringify(specifier)};`,
      resolveDir: pluginData as string,
    }));
  },
};

/** Gives sources their own `import.meta.url`, `__dirname` and `__filename` back, on the first line for source maps. */
const ownLocation: Plugin = {
  name: 'own-location',
  setup(bundler) {
    bundler.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path: file }) => {
      const source = await readFile(file, 'utf8');
      if (!/import\.meta\.(url|dirname|filename)|__dirname|__filename/.test(source)) {
        return undefined;
      }
      const [url, dirname, filename] = [pathToFileURL(file).href, path.dirname(file), file].map((text) =>
        JSON.stringify(text),
      );
      const own =
        `const __nestgraph_meta = { url: ${url}, dirname: ${dirname}, filename: ${filename} };` +
        `var __dirname = ${dirname}, __filename = ${filename};`;
      const contents =
        own + source.replace(/^#!.*/, '').replace(/import\.meta\.(?=url|dirname|filename)/g, '__nestgraph_meta.');
      return { contents, loader: LOADERS[path.extname(file)] ?? 'js' };
    });
  },
};
