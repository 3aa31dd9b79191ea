import ts from 'typescript';
import type { KnownSchemas } from '../graph-schemas.js';
import { compile } from './compile.js';
import { definitionsOf } from './graph-expression.js';
import { graphTypesOf, schemasOfGraphType } from './graph-type.js';
import { findSubgraphs } from './subgraphs.js';

/** What the source says about one graph: the root, whose namespace is empty, or a subgraph. */
export interface SourceSchemas extends KnownSchemas {
  /** Names of the nodes on the way to it, joined by `|`. */
  namespace: string;
}

/** What the source says about a graph and all of its subgraphs. A factory may make several graphs: each has its entry. */
export interface SourceAnalysis {
  schemas: SourceSchemas[];
  warnings: string[];
}

/** Derives the schemas of an exported graph from the types in its source. Takes seconds; see analysis.thread.ts. */
export function analyse(file: string, export_name: string): SourceAnalysis {
  const program = compile(file);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const exported = source && exportOf(source, export_name, checker);
  if (!exported) {
    return { schemas: [], warnings: [`${file} has no export "${export_name}" that can be analysed`] };
  }
  const entriesOf = (namespace: string, types: ts.Type[]): SourceSchemas[] =>
    types.map((type) => ({ namespace, ...schemasOfGraphType(type, checker) }));
  const found = definitionsOf(exported, checker).map((definition) => findSubgraphs(definition, checker));
  return {
    schemas: [
      ...entriesOf('', graphTypesOf(checker.getTypeOfSymbol(exported), checker)),
      ...found.flatMap(({ subgraphs }) => subgraphs.flatMap(({ path, types }) => entriesOf(path.join('|'), types))),
    ],
    warnings: found.flatMap(({ warnings }) => warnings),
  };
}

function exportOf(source: ts.SourceFile, name: string, checker: ts.TypeChecker): ts.Symbol | undefined {
  const module = checker.getSymbolAtLocation(source);
  const exported = module && checker.getExportsOfModule(module).find((symbol) => symbol.name === name);
  // CommonJS may export everything as one object.
  const whole = module?.exports?.get(ts.InternalSymbolName.ExportEquals);
  return exported ?? (whole && checker.getTypeOfSymbol(whole).getProperty(name));
}
