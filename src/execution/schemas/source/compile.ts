import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** DEFAULTS apply without a tsconfig.json; a project cannot change FIXED. */
const DEFAULTS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
};
const FIXED: ts.CompilerOptions = {
  noEmit: true,
  // Also infers types of graphs written in JavaScript.
  allowJs: true,
  checkJs: false,
  skipLibCheck: true,
  composite: false,
  incremental: false,
  declaration: false,
  rootDir: undefined,
  configFilePath: undefined,
};

/** Packages that the server provides to projects without them (docs/decisions/0003-loading-graphs.md). */
const PROVIDED = /^@langchain\/(core|langgraph|langgraph-checkpoint)(\/|$)/;
const OWN_FILE = fileURLToPath(import.meta.url);

/** Parsed package files, shared by all graphs with the same options. */
const packageFiles = new Map<string, ts.SourceFile | undefined>();

/** Compiles the program of a graph's file with the project's options. Reports no errors: esbuild and tsc do. */
export function compile(file: string): ts.Program {
  const options = optionsFor(file);
  return ts.createProgram({ rootNames: [file], options, host: hostFor(options) });
}

function optionsFor(file: string): ts.CompilerOptions {
  const found = ts.findConfigFile(path.dirname(file), (name) => ts.sys.fileExists(name));
  const parsed =
    found &&
    ts.getParsedCommandLineOfConfigFile(found, {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined });
  return { ...(parsed ? parsed.options : DEFAULTS), ...FIXED };
}

function hostFor(options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const parse = host.getSourceFile.bind(host);
  const cache = ts.createModuleResolutionCache(
    host.getCurrentDirectory(),
    (name) => host.getCanonicalFileName(name),
    options,
  );
  const resolve = (name: string, from: string, mode: ts.ResolutionMode): ts.ResolvedModuleWithFailedLookupLocations =>
    ts.resolveModuleName(name, from, options, host, cache, undefined, mode);
  const setting = JSON.stringify(options);
  host.getSourceFile = (name, target, ...rest) => {
    if (!name.includes('node_modules')) {
      return parse(name, target, ...rest);
    }
    const key = `${name} ${JSON.stringify(target)} ${setting}`;
    if (!packageFiles.has(key)) {
      packageFiles.set(key, parse(name, target, ...rest));
    }
    return packageFiles.get(key);
  };
  host.resolveModuleNameLiterals = (literals, from, _redirected, _options, file) =>
    literals.map((literal) => {
      const mode = ts.getModeForUsageLocation(file, literal, options);
      const resolved = resolve(literal.text, from, mode);
      return resolved.resolvedModule || !PROVIDED.test(literal.text) ? resolved : resolve(literal.text, OWN_FILE, mode);
    });
  return host;
}
