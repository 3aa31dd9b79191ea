import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** Without a tsconfig.json in the project; also what a project may not change. */
const DEFAULTS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
};
const FIXED: ts.CompilerOptions = {
  noEmit: true,
  // Types of graphs written in JavaScript are inferred too.
  allowJs: true,
  checkJs: false,
  skipLibCheck: true,
  composite: false,
  incremental: false,
  declaration: false,
  rootDir: undefined,
  configFilePath: undefined,
};

/** What the server lends to projects that do not have it (docs/decisions/0003-loading-graphs.md). */
const LENT = /^@langchain\/(core|langgraph|langgraph-checkpoint)(\/|$)/;
const OWN_FILE = fileURLToPath(import.meta.url);

/** Parsed files of packages, which are the same for all graphs with the same options. */
const packageFiles = new Map<string, ts.SourceFile | undefined>();

/** The program a graph's file belongs to, compiled the way the project says. Reports no errors: esbuild and tsc do. */
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
      return resolved.resolvedModule || !LENT.test(literal.text) ? resolved : resolve(literal.text, OWN_FILE, mode);
    });
  return host;
}
