import ts from 'typescript';

const isOfCore = (symbol: ts.Symbol | undefined): boolean =>
  (symbol?.declarations ?? []).some((declaration) =>
    /[\\/]@langchain[\\/]core[\\/]/.test(declaration.getSourceFile().fileName),
  );

/** LangChain's base class of messages itself. */
export const isBaseMessage = (type: ts.Type): boolean =>
  type.symbol?.name === 'BaseMessage' && Boolean(type.symbol.flags & ts.SymbolFlags.Class) && isOfCore(type.symbol);

/** A message of any class. */
export function isMessage(type: ts.Type, checker: ts.TypeChecker): boolean {
  if (!type.isClassOrInterface() && !isReference(type)) {
    return false;
  }
  return isBaseMessage(type) || (basesOf(type, checker) ?? []).some((base) => isMessage(base, checker));
}

const isReference = (type: ts.Type): type is ts.TypeReference =>
  Boolean((type as ts.ObjectType).objectFlags & ts.ObjectFlags.Reference);

function basesOf(type: ts.Type, checker: ts.TypeChecker): ts.Type[] | undefined {
  const target = isReference(type) ? type.target : type;
  return target.isClassOrInterface() ? checker.getBaseTypes(target) : undefined;
}

/** LangChain's `BaseMessageLike`: a message or a form that is converted to one; recognized by its tuple form. */
export const isMessageLike = (members: ts.Type[], checker: ts.TypeChecker): boolean =>
  members.some(isBaseMessage) && members.some((member) => checker.isTupleType(member));

/** LangGraph's `Messages`, the update type of a messages channel: one message or several, in any form. */
export const isMessages = (members: ts.Type[], checker: ts.TypeChecker): boolean =>
  isMessageLike(members, checker) && members.some((member) => isListOfMessageLike(member, checker));

function isListOfMessageLike(type: ts.Type, checker: ts.TypeChecker): boolean {
  if (!checker.isArrayType(type)) {
    return false;
  }
  const [item] = checker.getTypeArguments(type as ts.TypeReference);
  return item.isUnion() && isMessageLike(item.types, checker);
}
