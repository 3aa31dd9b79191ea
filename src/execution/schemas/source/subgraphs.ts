import ts from 'typescript';
import { definitionsOf, nodesOf, throughImports, withoutWrapping } from './graph-expression.js';
import { graphTypesOf } from './graph-type.js';

/** A graph inside of another one, and where: the names of the nodes on the way to it. */
export interface Subgraph {
  path: string[];
  types: ts.Type[];
}

export interface FoundSubgraphs {
  subgraphs: Subgraph[];
  warnings: string[];
}

/** Methods that run a graph. */
const CALLS = new Set(['invoke', 'stream', 'streamEvents', 'batch']);

/** All subgraphs of the graph an expression stands for, at any depth, parents before children. */
export function findSubgraphs(graph: ts.Expression, checker: ts.TypeChecker): FoundSubgraphs {
  const found: FoundSubgraphs = { subgraphs: [], warnings: [] };
  /** `outer`: the graphs around, so that one that calls itself comes to an end. */
  const visit = (expression: ts.Expression, path: string[], outer: ts.Node[]): void => {
    for (const { name, action } of nodesOf(expression, checker)) {
      const at = [...path, name];
      const graphs = graphsIn(action, checker);
      if (graphs.length > 1) {
        found.warnings.push(`node "${at.join('|')}" calls more than one graph; the schemas are those of the first`);
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

/** The graphs a node runs: the one it is, or those that its function calls. Each once. */
function graphsIn(given: ts.Expression, checker: ts.TypeChecker): ts.Expression[] {
  const action = withoutWrapping(given);
  if (isGraph(action, checker)) {
    return [action];
  }
  const called = bodiesOf(action, checker).flatMap((body) => callsIn(body, checker));
  return [...new Map(called.map((graph) => [originOf(graph, checker), graph])).values()];
}

/** A builder counts too: `addNode` compiles it. */
function isGraph(expression: ts.Expression, checker: ts.TypeChecker): boolean {
  const type = checker.getTypeAtLocation(expression);
  return type.getCallSignatures().length === 0 && graphTypesOf(type, checker).length > 0;
}

/** The function that a node is, written in place or elsewhere. */
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

/** The node of the source that stands for the same graph wherever it is used: where its variable gets its value. */
function originOf(expression: ts.Expression, checker: ts.TypeChecker): ts.Node {
  const inner = withoutWrapping(expression);
  const symbol = ts.isIdentifier(inner) ? checker.getSymbolAtLocation(inner) : undefined;
  const [definition] = symbol ? definitionsOf(symbol, checker) : [];
  return definition && definition !== inner ? originOf(definition, checker) : inner;
}
