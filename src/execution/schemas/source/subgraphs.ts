import ts from 'typescript';
import { definitionsOf, nodesOf, throughImports, withoutWrapping } from './graph-expression.js';
import { graphTypesOf } from './graph-type.js';

/** A graph inside another one, with the node names from the root to it. */
export interface Subgraph {
  path: string[];
  types: ts.Type[];
}

export interface FoundSubgraphs {
  subgraphs: Subgraph[];
  warnings: string[];
}

/** Methods that call a graph. */
const CALLS = new Set(['invoke', 'stream', 'streamEvents', 'batch']);

/** All subgraphs of the graph of an expression, at any depth, parents before children. */
export function findSubgraphs(graph: ts.Expression, checker: ts.TypeChecker): FoundSubgraphs {
  const found: FoundSubgraphs = { subgraphs: [], warnings: [] };
  /** `outer` contains the enclosing graphs and ends the recursion for a graph that calls itself. */
  const visit = (expression: ts.Expression, path: string[], outer: ts.Node[]): void => {
    for (const { name, action } of nodesOf(expression, checker)) {
      const at = [...path, name];
      const graphs = graphsIn(action, checker);
      if (graphs.length > 1) {
        found.warnings.push(`node "${at.join('|')}" calls more than one graph; only the schemas of the first are used`);
      }
      const [inner] = graphs;
      const origin = inner && originOf(inner, checker);
      if (origin && !outer.includes(origin)) {
        found.subgraphs.push({ path: at, types: graphTypesOf(checker.getTypeAtLocation(inner), checker) });
        visit(inner, at, [...outer, origin]);
      }
    }
  };
  visit(graph, [], [originOf(graph, checker)]);
  return found;
}

/** The graphs that a node executes: itself, or those that its function calls, each once. */
function graphsIn(given: ts.Expression, checker: ts.TypeChecker): ts.Expression[] {
  const action = withoutWrapping(given);
  if (isGraph(action, checker)) {
    return [action];
  }
  const called = bodiesOf(action, checker).flatMap((body) => callsIn(body, checker));
  return [...new Map(called.map((graph) => [originOf(graph, checker), graph])).values()];
}

/** True for a builder too, because `addNode` compiles it. */
function isGraph(expression: ts.Expression, checker: ts.TypeChecker): boolean {
  const type = checker.getTypeAtLocation(expression);
  return type.getCallSignatures().length === 0 && graphTypesOf(type, checker).length > 0;
}

/** The function body of a node, defined in place or elsewhere. */
function bodiesOf(action: ts.Expression, checker: ts.TypeChecker): ts.Node[] {
  if (!ts.isIdentifier(action)) {
    return [action];
  }
  const symbol = checker.getSymbolAtLocation(action);
  return (symbol ? (throughImports(symbol, checker).declarations ?? []) : []).filter(
    (declaration) => ts.isFunctionDeclaration(declaration) || ts.isVariableDeclaration(declaration),
  );
}

function callsIn(body: ts.Node, checker: ts.TypeChecker): ts.Expression[] {
  const found: ts.Expression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { expression: receiver, name } = node.expression;
      if (CALLS.has(name.text) && isGraph(receiver, checker)) {
        found.push(withoutWrapping(receiver));
      }
    }
    node.forEachChild(visit);
  };
  visit(body);
  return found;
}

/** The syntax node that identifies a graph wherever it is used: the expression that defines its variable. */
function originOf(expression: ts.Expression, checker: ts.TypeChecker): ts.Node {
  const inner = withoutWrapping(expression);
  const symbol = ts.isIdentifier(inner) ? checker.getSymbolAtLocation(inner) : undefined;
  const [definition] = symbol ? definitionsOf(symbol, checker) : [];
  return definition && definition !== inner ? originOf(definition, checker) : inner;
}
