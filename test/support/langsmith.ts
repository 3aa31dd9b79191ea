import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A run as it is sent to LangSmith: at its start, and again with its results at its end. */
export interface TracedRun {
  id: string;
  name?: string;
  parent_run_id?: string | null;
  session_name?: string;
  reference_example_id?: string;
  end_time?: unknown;
  extra?: { metadata?: Record<string, unknown> };
}

/** How the fake handles a request for a feedback link. */
type Mood = 'well' | 'failing' | 'silent';

/** A fake of the parts of LangSmith that the server uses. */
export interface FakeLangSmith {
  url: string;
  /** Received runs, oldest first. */
  runs: TracedRun[];
  /** Requested feedback links. */
  tokens: { run_id: string; feedback_key: string }[];
  /** API keys of the requests. */
  keys: Set<unknown>;
  mood: Mood;
  /** Delay of its info response in milliseconds. The server sends nothing before it. */
  warmUpMs: number;
  /** Resolves when matching runs have been received. */
  until(isThere: (runs: TracedRun[]) => boolean): Promise<void>;
  stop(): Promise<void>;
}

export async function fakeLangSmith(): Promise<FakeLangSmith> {
  const listeners = new Set<() => void>();
  const server = createServer((request, response) => {
    fake.keys.add(request.headers['x-api-key']);
    void answer(fake, request, response).then(() => listeners.forEach((listener) => listener()));
  });
  const fake: FakeLangSmith = {
    url: '',
    runs: [],
    tokens: [],
    keys: new Set(),
    mood: 'well',
    warmUpMs: 0,
    until: (isThere) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (isThere(fake.runs)) {
            listeners.delete(look);
            resolve();
          }
        };
        listeners.add(look);
        look();
      }),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return fake;
}

async function answer(fake: FakeLangSmith, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const json = (status: number, value: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
  const body = (await bodyOf(request)) as { post?: TracedRun[]; patch?: TracedRun[] } & FakeLangSmith['tokens'][number];
  switch (request.url) {
    case '/info':
      await sleep(fake.warmUpMs);
      return json(200, { version: '0.12.0', batch_ingest_config: { use_multipart_endpoint: false } });
    case '/runs/batch':
      fake.runs.push(...(body.post ?? []), ...(body.patch ?? []));
      return json(202, {});
    case '/feedback/tokens':
      fake.tokens.push(body);
      if (fake.mood !== 'well') {
        return fake.mood === 'silent' ? undefined : json(400, { error: 'no' });
      }
      return json(200, { id: body.feedback_key, url: linkFor(body.run_id, body.feedback_key) });
    default:
      return json(404, {});
  }
}

/** The feedback link of a run. */
export const linkFor = (run_id: string, key: string): string => `https://langsmith.example/feedback/${run_id}/${key}`;

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
}
