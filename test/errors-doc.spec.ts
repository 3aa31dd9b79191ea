import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const ROOT = path.resolve(import.meta.dirname, '..');

const sources = readdirSync(path.join(ROOT, 'src'), { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts'))
  .map((entry) => path.join(entry.parentPath, entry.name))
  .map((file) => ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true));

const document = readFileSync(path.join(ROOT, 'docs/errors.md'), 'utf8');

/** The errors that the filter writes itself, for what is not an ApiError. */
const OF_THE_FILTER: Record<string, number> = { not_found: 404, bad_request: 400, internal_error: 500 };

/** Their status is what the auth module of the project says. */
const OF_HANDLERS = ['auth_refused'];

function nodesOf(node: ts.Node): ts.Node[] {
  const children: ts.Node[] = [];
  node.forEachChild((child) => void children.push(...nodesOf(child)));
  return [node, ...children];
}

/** What the API refuses with, and those of its classes that others extend. */
const BASES = ['ApiError', 'DatabaseUnavailableError'];

const isApiError = (node: ts.Node): node is ts.ClassDeclaration =>
  ts.isClassDeclaration(node) &&
  (node.heritageClauses ?? []).some((clause) => clause.types.some((type) => BASES.includes(type.getText())));

/** Values given to a property anywhere below a node: `status: 404`, `code: a ? 'b' : 'c'`. */
const valuesOf = (node: ts.Node, property: string): string[] =>
  nodesOf(node)
    .filter(ts.isPropertyAssignment)
    .filter((assignment) => assignment.name.getText() === property)
    .flatMap((assignment) => nodesOf(assignment.initializer))
    .filter((value) => ts.isStringLiteral(value) || ts.isNumericLiteral(value))
    .map((value) => value.text)
    .filter((text) => property !== 'code' || /^[a-z_]+$/.test(text));

const classes = sources.flatMap((source) => nodesOf(source).filter(isApiError));

/** Code and status of every class that the API refuses with. */
const thrown = classes.map((type) => ({
  name: type.name!.text,
  codes: valuesOf(type, 'code'),
  statuses: valuesOf(type, 'status'),
}));

/** The rows of the table below a heading. */
function tableBelow(heading: string): string[][] {
  const [, section] = document.split(`\n## ${heading}\n`);
  const rows = section
    .split(/\n## /)[0]
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const refused = tableBelow('Refused requests');
const failed = tableBelow('Failed runs');

/** Failures that bear the name of an error's class. */
const NAMES_OF_CLASSES = ['Error', 'UnknownInterruptError', 'UnserializableValueError'];

describe('docs/errors.md', () => {
  const inSources = new Map([
    ...thrown.map(({ codes, statuses }) => [codes[0], Number(statuses[0])] as const),
    ...Object.entries(OF_THE_FILTER),
  ]);

  it('lists every code, with its status, and no other', () => {
    const listed = new Map(refused.map(([code, status]) => [code.replaceAll('`', ''), Number(status)]));

    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(inSources));
    expect(listed.size).toBe(refused.length);
  });

  it('says of each what happened and what to do', () => {
    for (const [code, , cause, remedy] of refused) {
      expect([code, cause]).toEqual([code, expect.stringMatching(/^[A-Z].{15,}\.$/)]);
      expect([code, remedy]).toEqual([code, expect.stringMatching(/^[A-Z].{10,}\.$/)]);
    }
  });

  it('lists every name that the server itself gives to the failure of a run, and no other', () => {
    const names = sources
      .flatMap((source) => valuesOf(source, 'error'))
      .filter((name) => /^[A-Z][A-Za-z]+$/.test(name))
      .concat(NAMES_OF_CLASSES);

    expect(failed.map(([name]) => name.replaceAll('`', '')).sort()).toEqual([...new Set(names)].sort());
    for (const [name, cause, remedy] of failed) {
      expect([name, cause.length > 15, remedy.length > 15]).toEqual([name, true, true]);
    }
  });
});

describe('error classes', () => {
  it('have one code and one status each', () => {
    const odd = thrown.filter(
      ({ codes, statuses }) => codes.length !== 1 || statuses.length !== (OF_HANDLERS.includes(codes[0]) ? 0 : 1),
    );

    expect(thrown.length).toBeGreaterThan(10);
    expect(odd).toEqual([]);
  });

  it('do not share codes', () => {
    const codes = thrown.flatMap((error) => error.codes);

    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.filter((code) => code in OF_THE_FILTER)).toEqual([]);
  });

  it('have a sentence about what they mean', () => {
    const silent = classes.filter((type) => ts.getJSDocCommentsAndTags(type).length === 0);

    expect(silent.map((type) => type.name?.text)).toEqual([]);
  });

  it('are in a file of errors', () => {
    const elsewhere = classes
      .map((type) => path.relative(ROOT, type.getSourceFile().fileName))
      .filter((file) => !/(\.errors|api-error)\.ts$/.test(file));

    expect(elsewhere).toEqual([]);
  });
});

it('the filter writes no code that is not known here', () => {
  const filter = sources.find(({ fileName }) => fileName.endsWith('api-exception.filter.ts'))!;

  const ofClasses = thrown.flatMap(({ codes }) => codes);
  const own = valuesOf(filter, 'code').filter((code) => !ofClasses.includes(code));

  expect(new Set(own)).toEqual(new Set(Object.keys(OF_THE_FILTER)));
});
