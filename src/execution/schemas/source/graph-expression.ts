import ts from 'typescript';

/** A node that the source adds to a graph: its name, and the expression of its action. */
export interface AddedNode {
  name: string;
  action: ts.Expression;
}

/**
 * The nodes that the source adds to the graph of an expression: in the expression's own chain of calls, and in statements
 * that use a variable of that chain.
 */
export function nodesOf(expression: ts.Expression, checker: ts.TypeChecker): AddedNode[] {
  return new GraphExpression(checker).nodes(expression);
}

/** The expressions that define a symbol, resolved through imports. */
export function definitionsOf(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Expression[] {
  return (throughImports(symbol, checker).declarations ?? []).flatMap((declaration) =>
    definitionsIn(declaration, checker),
  );
}

export const throughImports = (symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

function definitionsIn(declaration: ts.Declaration, checker: ts.TypeChecker): ts.Expression[] {
  if (ts.isExportAssignment(declaration)) {
    return [declaration.expression];
  }
  if (ts.isFunctionDeclaration(declaration)) {
    return returnsOf(declaration);
  }
  if (ts.isVariableDeclaration(declaration) || ts.isPropertyAssignment(declaration)) {
    return declaration.initializer ? [declaration.initializer] : [];
  }
  if (ts.isShorthandPropertyAssignment(declaration)) {
    const value = checker.getShorthandAssignmentValueSymbol(declaration);
    return value ? definitionsOf(value, checker) : [];
  }
  // `exports.graph = ...` of CommonJS.
  return ts.isBinaryExpression(declaration.parent) ? [declaration.parent.right] : [];
}

/** The returned expressions of a function, without those of nested functions. */
export function returnsOf(fn: ts.FunctionLikeDeclaration): ts.Expression[] {
  if (!fn.body) {
    return [];
  }
  if (!ts.isBlock(fn.body)) {
    return [fn.body];
  }
  const found: ts.Expression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isReturnStatement(node) && node.expression) {
      found.push(node.expression);
    }
    if (!ts.isFunctionLike(node)) {
      node.forEachChild(visit);
    }
  };
  fn.body.forEachChild(visit);
  return found;
}

export function withoutWrapping(expression: ts.Expression): ts.Expression {
  let inner = expression;
  while (
    ts.isParenthesizedExpression(inner) || ts.isAsExpression(inner) || ts.isSatisfiesExpression(inner) ||
    ts.isNonNullExpression(inner) || ts.isAwaitExpression(inner) || ts.isTypeAssertionExpression(inner)
  ) {
    inner = inner.expression;
  } // prettier-ignore
  return inner;
}

class GraphExpression {
  /** Guards against circular references between variables. */
  private readonly visited = new Set<ts.Node>();

  constructor(private readonly checker: ts.TypeChecker) {}

  nodes(given: ts.Expression): AddedNode[] {
    const expression = withoutWrapping(given);
    if (this.visited.has(expression)) {
      return [];
    }
    this.visited.add(expression);
    if (ts.isIdentifier(expression)) {
      return this.ofVariable(expression);
    }
    if (ts.isArrowFunction(expression) || ts.isFunctionExpression(expression)) {
      return returnsOf(expression).flatMap((returned) => this.nodes(returned));
    }
    if (ts.isConditionalExpression(expression)) {
      return [expression.whenTrue, expression.whenFalse].flatMap((branch) => this.nodes(branch));
    }
    return ts.isCallExpression(expression) ? this.ofCall(expression) : [];
  }

  private ofVariable(identifier: ts.Identifier): AddedNode[] {
    const symbol = this.checker.getSymbolAtLocation(identifier);
    if (!symbol) {
      return [];
    }
    const real = throughImports(symbol, this.checker);
    return [
      ...definitionsOf(symbol, this.checker).flatMap((definition) => this.nodes(definition)),
      ...(real.declarations ?? []).flatMap((declaration) => this.addedLater(real, declaration.getSourceFile())),
    ];
  }

  private ofCall(call: ts.CallExpression): AddedNode[] {
    if (!ts.isPropertyAccessExpression(call.expression)) {
      // A function that returns the graph.
      return this.nodes(call.expression);
    }
    const { expression: receiver, name } = call.expression;
    if (name.text === 'resolve' && receiver.getText() === 'Promise') {
      return call.arguments.flatMap((argument) => this.nodes(argument));
    }
    return [...this.nodes(receiver), ...this.added(call, name.text)];
  }

  /** `builder.addNode(...)` in a separate statement. */
  private addedLater(builder: ts.Symbol, file: ts.SourceFile): AddedNode[] {
    const found: AddedNode[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isExpressionStatement(node) && ts.isIdentifier(rootOf(node.expression))) {
        if (this.checker.getSymbolAtLocation(rootOf(node.expression)) === builder) {
          found.push(...this.chain(node.expression));
        }
      }
      node.forEachChild(visit);
    };
    visit(file);
    return found;
  }

  private chain(expression: ts.Expression): AddedNode[] {
    const call = withoutWrapping(expression);
    if (!ts.isCallExpression(call) || !ts.isPropertyAccessExpression(call.expression)) {
      return [];
    }
    return [...this.chain(call.expression.expression), ...this.added(call, call.expression.name.text)];
  }

  /** `addNode(name, action)`, `addNode({ name: action })`, `addNode([[name, action]])`, and the same of `addSequence`. */
  private added(call: ts.CallExpression, method: string): AddedNode[] {
    if (method !== 'addNode' && method !== 'addSequence') {
      return [];
    }
    const [first, second] = call.arguments;
    if (first && ts.isObjectLiteralExpression(first)) {
      return first.properties.flatMap((property) => this.ofProperty(property));
    }
    if (first && ts.isArrayLiteralExpression(first)) {
      return first.elements
        .filter(ts.isArrayLiteralExpression)
        .flatMap(({ elements: [name, action] }) => this.named(name, action));
    }
    return this.named(first, second);
  }

  private named(name: ts.Expression | undefined, action: ts.Expression | undefined): AddedNode[] {
    const type = name && this.checker.getTypeAtLocation(name);
    return action && type?.isStringLiteral() ? [{ name: type.value, action }] : [];
  }

  private ofProperty(property: ts.ObjectLiteralElementLike): AddedNode[] {
    if (ts.isPropertyAssignment(property)) {
      const { name } = property;
      const text = ts.isComputedPropertyName(name) ? undefined : name.text;
      return text === undefined ? [] : [{ name: text, action: property.initializer }];
    }
    return ts.isShorthandPropertyAssignment(property) ? [{ name: property.name.text, action: property.name }] : [];
  }
}

/** The first expression of a chain of calls: `a` of `a.b().c()`. */
function rootOf(expression: ts.Expression): ts.Expression {
  const inner = withoutWrapping(expression);
  if (ts.isCallExpression(inner) || ts.isPropertyAccessExpression(inner)) {
    return rootOf(inner.expression);
  }
  return inner;
}
