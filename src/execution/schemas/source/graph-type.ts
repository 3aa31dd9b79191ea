import ts from 'typescript';
import type { JsonSchema, KnownSchemas } from '../graph-schemas.js';
import { TypeSchema } from './type-schema.js';

/** The compiled graph types behind a type: itself, or the result of a builder, a promise or a factory. */
export function graphTypesOf(type: ts.Type, checker: ts.TypeChecker): ts.Type[] {
  const settled = checker.getAwaitedType(type) ?? type;
  if (settled.isUnion()) {
    return settled.types.flatMap((member) => graphTypesOf(member, checker));
  }
  if (settled.getProperty('lg_is_pregel')) {
    return [settled];
  }
  const inner = agentGraphOf(settled, checker);
  if (inner) {
    return graphTypesOf(inner, checker);
  }
  const makers = methodOf(settled, 'compile', checker)?.getCallSignatures() ?? settled.getCallSignatures();
  return makers.slice(0, 1).flatMap((maker) => graphTypesOf(maker.getReturnType(), checker));
}

/** Agents of the `langchain` package wrap the actual graph. */
function agentGraphOf(type: ts.Type, checker: ts.TypeChecker): ts.Type | undefined {
  const graph = methodOf(type, 'graph', checker);
  return graph?.getProperty('lg_is_pregel') ? graph : undefined;
}

const methodOf = (type: ts.Type, name: string, checker: ts.TypeChecker): ts.Type | undefined => {
  const symbol = type.getProperty(name);
  return symbol && checker.getTypeOfSymbol(symbol);
};

/**
 * The schemas of a compiled graph, from members that LangGraph declares only for their types. A workflow of the functional
 * API has no state.
 */
export function schemasOfGraphType(graph: ts.Type, checker: ts.TypeChecker): KnownSchemas {
  const schemaOf = (type: ts.Type | undefined) => type && TypeSchema.of(checker.getAwaitedType(type) ?? type, checker);
  const channelsOf = (name: string): JsonSchema | undefined => namingMembers(schemaOf(methodOf(graph, name, checker)));
  return {
    input: channelsOf('~InputType'),
    output: channelsOf('~OutputType'),
    state: channelsOf('~RunOutput'),
    config: schemaOf(contextOf(graph, checker)),
  };
}

/** Drops `object` without properties, the schema of `any` parameters: the compiled graph at least knows channel names. */
const namingMembers = (schema: JsonSchema | undefined): JsonSchema | undefined =>
  schema?.type === 'object' && !schema.properties ? undefined : schema;

/** The type of `context` in the options of `invoke`. */
function contextOf(graph: ts.Type, checker: ts.TypeChecker): ts.Type | undefined {
  const [signature] = methodOf(graph, 'invoke', checker)?.getCallSignatures() ?? [];
  const options = signature?.getParameters().at(1);
  const type = options && checker.getNonNullableType(checker.getTypeOfSymbol(options));
  const context = type?.getProperty('context');
  return context && checker.getNonNullableType(checker.getTypeOfSymbol(context));
}
