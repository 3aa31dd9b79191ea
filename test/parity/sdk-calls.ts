import path from 'node:path';
import ts from 'typescript';
import { samplesOf } from './samples.js';

/** A method of the SDK, and the arguments that it is called with, one list for each call. */
export interface SdkMethod {
  /** `threads.getState`. */
  name: string;
  calls: unknown[][];
}

const CLIENTS = ['assistants', 'threads', 'runs', 'crons', 'store'];

/** All public methods of the SDK in this package, from its types: a parameter that a new version brings is in the calls. */
export function sdkMethods(packageName: string): SdkMethod[] {
  const entry = path.resolve(import.meta.dirname, '../../node_modules', packageName, 'dist/client.d.ts');
  const program = ts.createProgram([entry], {
    strict: true,
    skipLibCheck: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
  });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
  const client = checker.getExportsOfModule(module).find(({ name }) => name === 'Client')!;
  const type = checker.getDeclaredTypeOfSymbol(aliased(client, checker));
  return CLIENTS.flatMap((name) => {
    const property = checker.getPropertyOfType(type, name)!;
    return methodsOf(checker.getTypeOfSymbol(property), checker).map((method) => ({
      name: `${name}.${method.name}`,
      calls: checker
        .getTypeOfSymbol(method)
        .getCallSignatures()
        .flatMap((signature) => callsOf(signature, checker)),
    }));
  });
}

const aliased = (symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

const methodsOf = (type: ts.Type, checker: ts.TypeChecker): ts.Symbol[] =>
  checker
    .getPropertiesOfType(type)
    .filter(
      (property) =>
        property.flags & ts.SymbolFlags.Method &&
        (property.declarations ?? []).every(
          (declaration) =>
            !(
              ts.getCombinedModifierFlags(declaration) &
              (ts.ModifierFlags.Private | ts.ModifierFlags.Protected | ts.ModifierFlags.Static)
            ),
        ),
    );

/** The first value of each parameter; and a call for each other value of one of them. */
function callsOf(signature: ts.Signature, checker: ts.TypeChecker): unknown[][] {
  const samples = signature.getParameters().map((parameter) => samplesOf(checker.getTypeOfSymbol(parameter), checker));
  const first = samples.map(([sample]) => sample);
  const others = samples.flatMap(([, ...rest], at) => rest.map((sample) => first.with(at, sample)));
  return [first, ...others];
}
