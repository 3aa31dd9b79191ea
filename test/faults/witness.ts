import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientClass } from '../support/sdk.js';
import type { Part, Reading } from './history.js';
import type { Scene } from './scene.js';

/** The requested work of a run of `ledger`. */
export interface Work {
  steps: number;
  /** Events per step. */
  says: number;
  /** Milliseconds per step. */
  ms: number;
  /** In this step the run waits for this file after its first event. */
  gate?: { path: string; step: number };
  deadly?: boolean;
  durability?: 'sync' | 'async' | 'exit';
}

/** Milliseconds between two reconnects of an application after the SDK has given up. */
const RECONNECT_INTERVAL_MS = 500;
/** Milliseconds after which an application gives up, too. */
const RECONNECT_TIMEOUT_MS = 60_000;

const STREAM_MODE: ['custom', 'updates'] = ['custom', 'updates'];

/**
 * A client of the official SDK that records all responses. The SDK resumes broken streams. If it gives up, the witness
 * reconnects as an application would: it joins the run again after its last event.
 */
export class Witness {
  readonly client: Client;

  constructor(
    private readonly Client: ClientClass,
    private readonly apiUrl: string,
    private readonly scene: Scene,
  ) {
    this.client = new Client({ apiUrl, apiKey: null });
  }

  async newThread(): Promise<string> {
    return (await this.client.threads.create()).thread_id;
  }

  /** Creates a background run. */
  async create(thread_id: string, work: Work): Promise<string> {
    const acknowledge = this.asks(thread_id);
    const { run_id } = await this.client.runs.create(thread_id, 'ledger', {
      ...this.payloadOf(work),
      streamMode: STREAM_MODE,
      streamResumable: true,
    });
    acknowledge(run_id);
    return run_id;
  }

  /** Creates a run and reads its stream. */
  stream(thread_id: string, work: Work): Stream {
    const acknowledge = this.asks(thread_id);
    const stream = new Stream(thread_id);
    const parts = this.client.runs.stream(thread_id, 'ledger', {
      ...this.payloadOf(work),
      streamMode: STREAM_MODE,
      streamResumable: true,
      onDisconnect: 'continue',
      signal: this.scene.signal,
      onRunCreated: ({ run_id }) => {
        acknowledge(run_id);
        stream.run_id = run_id;
        this.scene.notes.readings.push(stream);
      },
    });
    return stream.read(parts as AsyncIterable<Part>, this.client, this.scene.signal);
  }

  /** Reads the stream of a run from its first event on. */
  join(thread_id: string, run_id: string): Stream {
    const stream = new Stream(thread_id, run_id);
    this.scene.notes.readings.push(stream);
    return stream.read(joinAfter(this.client, stream, this.scene.signal), this.client, this.scene.signal);
  }

  /** Creates a run and waits for its result. If the connection breaks, it continues at the `Location` of the first response. */
  async wait(thread_id: string, work: Work): Promise<string> {
    const acknowledge = this.asks(thread_id);
    let run_id: string | undefined;
    const fetchAndSee = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      const response = await fetch(input, init);
      [, run_id] = /\/runs\/([^/]+)$/.exec(response.headers.get('content-location') ?? '') ?? [];
      if (run_id) {
        acknowledge(run_id);
      }
      return response;
    };
    const callerOptions = { fetch: fetchAndSee };
    const client = new this.Client({ apiUrl: this.apiUrl, apiKey: null, callerOptions });
    const answer = await client.runs.wait(thread_id, 'ledger', this.payloadOf(work)).catch((error: unknown) => {
      if (!run_id) {
        throw error;
      }
      return this.joinAnswer(thread_id, run_id);
    });
    this.scene.notes.answers.push({ run_id: run_id!, done: (answer as { done?: string[] }).done ?? [] });
    return run_id!;
  }

  /** Creates a stateless run and waits for its result: the output of its steps. */
  async waitStateless(work: Work): Promise<string[]> {
    const answer = await this.client.runs.wait(null, 'ledger', this.payloadOf(work));
    return (answer as { done: string[] }).done;
  }

  private async joinAnswer(thread_id: string, run_id: string): Promise<unknown> {
    for (const deadline = Date.now() + RECONNECT_TIMEOUT_MS; ; await sleep(RECONNECT_INTERVAL_MS)) {
      try {
        return await this.client.runs.join(thread_id, run_id);
      } catch (error) {
        if (Date.now() > deadline || this.scene.signal.aborted) {
          throw error;
        }
      }
    }
  }

  /** Records that a request is about to be sent. The returned function records that the server has accepted it. */
  private asks(thread_id: string): (run_id: string) => void {
    const asked_at = Date.now();
    let isNew = true;
    return (run_id) => {
      if (isNew) {
        isNew = false;
        this.scene.notes.acknowledged.push({ run_id, thread_id, asked_at, answered_at: Date.now() });
      }
    };
  }

  private payloadOf({ durability, gate, deadly = false, ...work }: Work) {
    return { input: { ...work, gate: gate ?? null, deadly, ledger: this.scene.file, step: 0 }, durability };
  }
}

/** A run's stream while it is being read. */
export class Stream implements Reading {
  readonly parts: Part[] = [];
  ended = false;
  /** Settles with the end of the stream. */
  finished: Promise<void> = Promise.resolve();
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly thread_id: string,
    public run_id = '',
  ) {}

  /** Starts to read. */
  read(parts: AsyncIterable<Part>, client: Client, signal: AbortSignal): this {
    this.finished = this.readToEnd(parts, client, signal);
    // Callers may await it later.
    this.finished.catch(() => undefined);
    return this;
  }

  /** Resolves with the first matching event; rejects if the stream ends without one. */
  async received(isWanted: (part: Part) => boolean): Promise<Part> {
    for (;;) {
      const found = this.parts.find(isWanted);
      if (found) {
        return found;
      }
      const next = new Promise<void>((resolve) => this.listeners.add(resolve));
      await Promise.race([next, this.finished.then(() => this.assertHas(isWanted))]);
    }
  }

  get lastId(): string | undefined {
    return this.parts.findLast(({ id }) => id !== undefined)?.id;
  }

  private assertHas(isWanted: (part: Part) => boolean): void {
    if (!this.parts.some(isWanted)) {
      throw new Error(`The stream ended without the event, after ${JSON.stringify(this.parts.slice(-3))}`);
    }
  }

  private async readToEnd(parts: AsyncIterable<Part>, client: Client, signal: AbortSignal): Promise<void> {
    let heardAt = Date.now();
    for (let connection = parts; !this.ended; connection = joinAfter(client, this, signal)) {
      try {
        for await (const { id, event, data } of connection) {
          heardAt = Date.now();
          this.parts.push({ ...(id !== undefined && { id }), event, data });
          this.listeners.forEach((listener) => listener());
          this.listeners.clear();
        }
        this.ended = true;
      } catch (error) {
        if (this.run_id === '' || signal.aborted || Date.now() > heardAt + RECONNECT_TIMEOUT_MS) {
          throw error;
        }
        await sleep(RECONNECT_INTERVAL_MS);
      }
    }
  }
}

/** The rest of a stream, or the whole stream if no event has been received yet. */
const joinAfter = (
  client: Client,
  { thread_id, run_id, lastId = '-1' }: Stream,
  signal: AbortSignal,
): AsyncIterable<Part> =>
  client.runs.joinStream(thread_id, run_id, { lastEventId: lastId, signal }) as AsyncIterable<Part>;
