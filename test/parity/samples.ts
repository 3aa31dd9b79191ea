import ts from 'typescript';

/** Deeper than any parameter of the SDKs: a type that contains itself ends here. */
const DEEPEST = 6;

/** What a type stands for that is not written in it. */
const KNOWN: Record<string, unknown[]> = {
  LangChainTracer: [{ projectName: 'project', exampleId: 'example' }],
  HeadersInit: [{ 'x-sample': '1' }],
};

/** Parameters of these types stay in the client. */
const OF_THE_CLIENT = new Set(['AbortSignal', 'IdleReconnectMode']);

/**
 * Values that together show what a type allows: each member of a union, each literal, and objects with all their properties,
 * one for each other value of one of them. Empty for what cannot be sent, such as functions.
 */
export function samplesOf(type: ts.Type, checker: ts.TypeChecker, depth = 0): unknown[] {
  const name = (type.aliasSymbol ?? type.symbol)?.name;
  if (name in KNOWN) {
    return KNOWN[name];
  }
  if (depth > DEEPEST || OF_THE_CLIENT.has(name)) {
    return [];
  }
  if (type.isUnion()) {
    return distinct(type.types.flatMap((member) => samplesOf(member, checker, depth)));
  }
  if (type.isLiteral()) {
    return [type.value];
  }
  if (type.isIntersection() && type.types.some(({ flags }) => flags & ts.TypeFlags.StringLike)) {
    // `string & {}`: any text, beside literals that an editor proposes.
    return ['text'];
  }
  const primitive = primitiveSamples(type);
  if (primitive) {
    return primitive;
  }
  if (type.isTypeParameter()) {
    const constraint = checker.getBaseConstraintOfType(type);
    return constraint && !(constraint.flags & ts.TypeFlags.Unknown)
      ? samplesOf(constraint, checker, depth)
      : [{ any: 1 }];
  }
  return objectSamples(type, checker, depth + 1);
}

function primitiveSamples(type: ts.Type): unknown[] | undefined {
  const { flags } = type;
  if (flags & ts.TypeFlags.Null) {
    return [null];
  }
  if (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.Never)) {
    return [];
  }
  if (flags & ts.TypeFlags.BooleanLiteral) {
    return [(type as ts.Type & { intrinsicName: string }).intrinsicName === 'true'];
  }
  if (flags & ts.TypeFlags.StringLike) {
    return ['text'];
  }
  if (flags & ts.TypeFlags.NumberLike) {
    return [1];
  }
  if (flags & (ts.TypeFlags.Unknown | ts.TypeFlags.Any | ts.TypeFlags.NonPrimitive)) {
    return [{ any: 1 }];
  }
  return undefined;
}

function objectSamples(type: ts.Type, checker: ts.TypeChecker, depth: number): unknown[] {
  if (type.getCallSignatures().length > 0) {
    return [];
  }
  if (checker.isTupleType(type)) {
    return [checker.getTypeArguments(type as ts.TypeReference).map((item) => samplesOf(item, checker, depth)[0])];
  }
  if (checker.isArrayType(type)) {
    const [item] = checker.getTypeArguments(type as ts.TypeReference);
    return samplesOf(item, checker, depth).map((sample) => [sample]);
  }
  const properties = checker
    .getPropertiesOfType(type)
    .map((property) => [property.name, samplesOf(checker.getTypeOfSymbol(property), checker, depth)] as const)
    .filter(([, samples]) => samples.length > 0);
  const index = type.getStringIndexType();
  const first = Object.fromEntries([
    ...(index ? [['any', samplesOf(index, checker, depth)[0]]] : []),
    ...properties.map(([name, [sample]]) => [name, sample]),
  ]) as object;
  const others = properties.flatMap(([name, [, ...rest]]) => rest.map((sample) => ({ ...first, [name]: sample })));
  return [first, ...others];
}

const distinct = (values: unknown[]): unknown[] => [
  ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
];
