import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeEach, expect } from '@jest/globals';
import type { Client as NewestClient } from 'langgraph-sdk-newest';

const PARTS = ['assistants', 'threads', 'runs', 'crons', 'store'] as const;

type Methods = Record<string, (...values: unknown[]) => unknown>;

/** The SDK calls of a test: its file, its full name, the client, and the names of the methods. */
interface Note {
  file: string;
  test: string;
  client: string;
  methods: string[];
}

const notes = new Map<string, Note>();

/** Records the SDK methods that the tests of this file call, for the matrix of `npm run compatibility`. */
export function noteCalls(client: string, Client: typeof NewestClient): void {
  const sample = new Client({ apiUrl: 'http://nowhere', apiKey: null });
  for (const part of PARTS) {
    const methods = Object.getPrototypeOf(sample[part]) as Methods;
    for (const name of Object.getOwnPropertyNames(methods).filter((one) => one !== 'constructor')) {
      const call = methods[name];
      methods[name] = function (this: unknown, ...values: unknown[]): unknown {
        noteCall(client, `${part}.${name}`);
        return call.apply(this, values);
      };
    }
  }
}

/** Records that all tests of this file use a client that is built on an SDK. */
export function noteTestsOf(client: string): void {
  beforeEach(() => void noted(client));
}

/** Records that the current test has called a method. */
export function noteCall(client: string, method: string): void {
  const methods = noted(client)?.methods;
  if (methods?.includes(method) === false) {
    methods.push(method);
  }
}

/** Undefined outside of a test: calls of hooks do not count. */
function noted(client: string): Note | undefined {
  const { currentTestName: test, testPath: file } = expect.getState();
  if (test === undefined || file === undefined) {
    return undefined;
  }
  const key = `${client} ${test}`;
  const known = notes.get(key) ?? { file, test, client, methods: [] };
  notes.set(key, known);
  return known;
}

const FOLDER = process.env.NESTGRAPH_RESULTS;

if (FOLDER) {
  afterAll(() => {
    mkdirSync(path.join(FOLDER, 'calls'), { recursive: true });
    writeFileSync(path.join(FOLDER, 'calls', `${randomUUID()}.json`), JSON.stringify([...notes.values()]));
  });
}
