import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { Client as LatestTagClient } from 'langgraph-sdk-latest-tag';
import { Client as NewestClient } from 'langgraph-sdk-newest';
import { createDatabase, type TestDatabase } from './database.js';
import { noteCalls } from './note-calls.js';
import { type ServerOptions, startServer, type TestServer } from './server.js';

/** A client of either version, with the type of the newest one. */
export type Client = NewestClient;
export type ClientClass = typeof NewestClient;

/** Both supported major versions of the official SDK (contract 0.1). */
export const SDKS: [name: string, ClientClass][] = [
  ['1.15.0', NewestClient],
  ['2.0.0', LatestTagClient as unknown as ClientClass],
];

SDKS.forEach(([version, Client]) => noteCalls(`JavaScript ${version}`, Client));

/** An event of a run's stream. */
export interface Part {
  id?: string;
  event: string;
  data: unknown;
}

/** The server and database of one test file. */
export interface FileServer {
  readonly url: string;
  readonly database: TestDatabase;
  /** Starts another server on the same database. */
  beside(options?: Omit<ServerOptions, 'database'>): { readonly url: string };
}

export function serverForFile(options: Omit<ServerOptions, 'database'> = {}): FileServer {
  let database: TestDatabase;
  const servers: TestServer[] = [];
  const beside: FileServer['beside'] = (given = {}) => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startServer({ ...given, database });
      servers.push(server);
    });
    return {
      get url() {
        return server.url;
      },
    };
  };
  beforeAll(async () => {
    database = await createDatabase();
  });
  const server = beside(options);
  afterAll(async () => {
    await Promise.all(servers.map((one) => one.stop()));
    await database?.drop();
    gateFolders.splice(0).forEach((folder) => rmSync(folder, { recursive: true }));
  });
  return {
    get url() {
      return server.url;
    },
    get database() {
      return database;
    },
    beside,
  };
}

/** A client that does not retry. */
export function connect(Client: ClientClass, url: string, defaultHeaders: Record<string, string> = {}): Client {
  return new Client({ apiUrl: url, apiKey: null, defaultHeaders, callerOptions: { maxRetries: 0 } });
}

/** A client with all responses of the server, newest last. */
export function recordingClient(Client: ClientClass, url: string): { client: Client; responses: Response[] } {
  const responses: Response[] = [];
  const record = async (input: string, init?: RequestInit): Promise<Response> => {
    const response = await fetch(input, init);
    responses.push(response);
    return response;
  };
  const callerOptions = { maxRetries: 0, fetch: record as typeof fetch };
  return { client: new Client({ apiUrl: url, apiKey: null, callerOptions }), responses };
}

/** Resolves when the recording client has received the headers of a response. */
export async function untilAnswered({ responses }: { responses: Response[] }): Promise<void> {
  while (responses.length === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A client that adds fields to the body of each request, even if its version does not support them. */
export function addingClient(Client: ClientClass, url: string, fields: object): Client {
  return new Client({
    apiUrl: url,
    apiKey: null,
    callerOptions: { maxRetries: 0 },
    onRequest: (_url, init) => ({
      ...init,
      body: JSON.stringify({ ...(JSON.parse(init.body as string) as object), ...fields }),
    }),
  });
}

/** The error that the SDK throws for a rejected request: status and code. */
export const refusal = (status: number, code: string): object => ({
  status,
  text: { asymmetricMatch: (text: unknown) => (JSON.parse(String(text)) as { code: string }).code === code },
});

/** All events of a stream. */
export async function collect(stream: AsyncIterable<Part>): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const { id, event, data } of stream) {
    parts.push({ ...(id !== undefined && { id }), event, data });
  }
  return parts;
}

/** Reads until an event with this name, then disconnects. */
export async function readUntil(stream: AsyncIterable<Part>, event: string): Promise<Part> {
  for await (const part of stream) {
    if (part.event === event) {
      return part;
    }
  }
  throw new Error(`The stream ended without an event "${event}".`);
}

export const names = (parts: Part[]): string[] => parts.map(({ event }) => event);

/** The data of all events with this name. */
export const dataOf = (parts: Part[], event: string): unknown[] =>
  parts.filter((part) => part.event === event).map(({ data }) => data);

/** A file for which the graph `waiting` waits. */
export interface Gate {
  path: string;
  open: () => void;
}

const gateFolders: string[] = [];

export function newGate(): Gate {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-gate-'));
  gateFolders.push(folder);
  const file = path.join(folder, 'open');
  return { path: file, open: () => writeFileSync(file, '') };
}

/** Starts a run of `waiting` and resolves when it is inside its node `wait`. The run continues when the gate is opened. */
export async function startWaiting(
  client: Client,
  thread_id: string,
  payload: Parameters<Client['runs']['create']>[2] = {},
  label = 'a',
): Promise<{ gate: Gate; run_id: string }> {
  const gate = newGate();
  const { run_id } = await client.runs.create(thread_id, 'waiting', {
    input: { gate: gate.path, label },
    streamMode: ['custom', 'values'],
    ...payload,
  });
  await readUntil(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }), 'custom');
  return { gate, run_id };
}

/** The same for `stubborn`, which ignores its signal. */
export async function startStubborn(client: Client, thread_id: string): Promise<{ gate: Gate; run_id: string }> {
  const gate = newGate();
  const input = { gate: gate.path, label: 'a', order: [] };
  const { run_id } = await client.runs.create(thread_id, 'stubborn', { input, streamMode: ['custom', 'values'] });
  await readUntil(client.runs.joinStream(thread_id, run_id, { lastEventId: '-1' }), 'custom');
  return { gate, run_id };
}

export const human = (content: string): { role: string; content: string } => ({ role: 'user', content });

/** Creates a thread and returns its id. */
export const newThread = async (client: Client): Promise<string> => (await client.threads.create()).thread_id;

export type FollowOptions = NonNullable<Parameters<Client['threads']['joinStream']>[1]>;

/** Reads the stream of a thread until it is stopped. */
export interface ThreadFollower {
  parts: Part[];
  /** Resolves when the events so far match; rejects if the stream ends earlier. */
  until(isRight: (parts: Part[]) => boolean): Promise<void>;
  ended: Promise<void>;
  leave(): void;
}

/** Resolves when the server has sent the response headers: all later events are received. */
export async function followThread(
  Client: ClientClass,
  url: string,
  thread_id: string,
  options: FollowOptions = {},
): Promise<ThreadFollower> {
  const recording = recordingClient(Client, url);
  const leaving = new AbortController();
  const parts: Part[] = [];
  let look = (): void => undefined;
  const read = async (): Promise<void> => {
    const stream = recording.client.threads.joinStream(thread_id, { ...options, signal: leaving.signal });
    for await (const { id, event, data } of stream as AsyncIterable<Part>) {
      parts.push({ id, event, data });
      look();
    }
  };
  const ended = read();
  ended.catch(() => undefined);
  const until = (isRight: (parts: Part[]) => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      look = () => isRight(parts) && resolve();
      look();
      ended.then(
        () => reject(new Error(`The stream ended after ${names(parts).join(', ')}.`)),
        (error: unknown) => reject(error as Error),
      );
    });
  await Promise.race([untilAnswered(recording), ended]);
  return { parts, until, ended, leave: () => leaving.abort() };
}
