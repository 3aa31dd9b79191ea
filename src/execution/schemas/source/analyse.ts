import ts from 'typescript';
import type { KnownSchemas } from '../graph-schemas.js';
import { compile } from './compile.js';
import { definitionsOf } from './graph-expression.js';
import { graphTypesOf, schemasOfGraphType } from './graph-type.js';
import { findSubgraphs } from './subgraphs.js';

/** The schemas of one graph in the source: the root, whose namespace is empty, or a subgraph. */
export interface SourceSchemas extends KnownSchemas {
  /** Node names from the root to the subgraph, joined by `|`. */
  namespace: string;
}

/** The schemas of a graph and all its subgraphs. A factory may return different graphs: each has its own entry. */
export interface SourceAnalysis {
  schemas: SourceSchemas[];
  warnings: string[];
}

/** Derives the schemas of an exported graph from the types in its source. Takes seconds, so it runs in analysis.thread.ts. */
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
  // A CommonJS module may export everything as one object.
  const whole = module?.exports?.get(ts.InternalSymbolName.ExportEquals);
  return exported ?? (whole && checker.getTypeOfSymbol(whole).getProperty(name));
}
