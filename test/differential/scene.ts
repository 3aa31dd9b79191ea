import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'langgraph-sdk-newest';
import { send } from '../support/http.js';
import type { Receiver } from '../support/receiver.js';
import { connect, recordingClient } from '../support/sdk.js';

/** A scenario: steps that are executed with a server. */
export type Scenario = (scene: Scene) => Promise<void>;
export type Scenarios = Record<string, Scenario>;

/** The transcript of a client: results by the name of their step, in the order in which the steps began. */
export type Story = Record<string, unknown>;

/** Response headers that clients use. */
const HEADERS = ['content-type', 'content-location', 'location', 'x-pagination-total', 'x-pagination-next'];

type RawRequest = RequestInit & { json?: unknown };

/** A file for which the graph `waiting` waits. */
export interface Gate {
  path: string;
  /** Resolves when a run has reached the gate. */
  reached(): Promise<void>;
  open(): void;
}

/** One scenario with one of the servers. Scenarios destructure it: no method needs `this`. */
export class Scene {
  readonly story: Story = {};
  /** A client whose responses are not recorded. */
  readonly client: Client;
  /** Distinguishes the resources of this scenario from those of others. */
  readonly mark = randomUUID();
  private readonly folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-scene-'));
  private gates = 0;

  constructor(
    readonly url: string,
    readonly receiver: Receiver,
  ) {
    this.client = connect(Client, url);
  }

  /** Executes a step with a client and records the result. Returns the value, or undefined if the server rejected it. */
  readonly step = async <T>(name: string, action: (client: Client) => Promise<T> | AsyncIterable<T>): Promise<T> => {
    const { client, responses } = recordingClient(Client, this.url);
    const told: Story = this.begin(name);
    let value: unknown;
    try {
      const result = action(client);
      value = Symbol.asyncIterator in result ? await this.events(result, (told.events = [])) : await result;
      if (value !== undefined && told.events === undefined) {
        told.body = value;
      }
    } catch (error) {
      this.failure(told, error);
    }
    const [first] = responses;
    if (first) {
      Object.assign(told, { status: first.status, headers: pick(first.headers, HEADERS) });
    }
    return value as T;
  };

  /** The same with a request that no SDK sends. */
  readonly raw = async (name: string, route: string, init: RawRequest = {}, headers = HEADERS): Promise<unknown> => {
    const told = this.begin(name);
    const { json, ...rest } = init;
    const answer = await send(this.url + route, {
      ...rest,
      ...(json !== undefined && {
        method: rest.method ?? 'POST',
        body: JSON.stringify(json),
        headers: { 'content-type': 'application/json', ...(rest.headers as Record<string, string>) },
      }),
    });
    const said = answer.json === undefined ? answer.text : answer.json;
    Object.assign(told, {
      status: answer.status,
      headers: pick(answer.headers, headers),
      ...(said !== '' && { [answer.status < 400 ? 'body' : 'refusal']: said }),
    });
    return answer.json;
  };

  /** Records another observation. */
  readonly tell = (name: string, value: unknown): void => {
    this.story[name] = value;
  };

  /** The id of a new thread. */
  readonly newThread = async (metadata?: Record<string, unknown>): Promise<string> =>
    (await this.client.threads.create({ metadata })).thread_id;

  readonly newGate = (): Gate => {
    const file = path.join(this.folder, `gate-${(this.gates += 1)}`);
    return {
      path: file,
      reached: async () => {
        // Another process creates the file.
        while (!existsSync(`${file}-reached`)) {
          await sleep(5);
        }
      },
      open: () => writeFileSync(file, ''),
    };
  };

  /** Starts a run of `waiting` and resolves when it is inside its node `wait`. */
  readonly startWaiting = async (thread_id: string): Promise<{ gate: Gate; run_id: string }> => {
    const gate = this.newGate();
    const input = { gate: gate.path, label: 'a' };
    const { run_id } = await this.client.runs.create(thread_id, 'waiting', { input });
    await gate.reached();
    return { gate, run_id };
  };

  /** Strings that legitimately differ between the servers. */
  places(): [string, string][] {
    return [
      [this.url, '<server>'],
      [this.url.replace('http://', ''), '<host>'],
      [this.receiver.url, '<receiver>'],
      [this.folder, '<folder>'],
    ];
  }

  end(): void {
    rmSync(this.folder, { recursive: true });
  }

  private begin(name: string): Story {
    if (name in this.story) {
      throw new Error(`There are two steps "${name}".`);
    }
    return (this.story[name] = {});
  }

  private async events(stream: AsyncIterable<unknown>, told: unknown[]): Promise<unknown> {
    for await (const part of stream) {
      const { id, event, data } = part as { id?: string; event: string; data: unknown };
      told.push({ ...(id !== undefined && { id }), event, data });
    }
    return told;
  }

  private failure(told: Story, error: unknown): void {
    // The scenario itself is wrong, or the server is unavailable.
    if (!(error instanceof Error) || error.name === 'TypeError') {
      throw error;
    }
    const { text } = error as { text?: string };
    if (text === undefined) {
      told.thrown = error.message;
    } else {
      told.refusal = parse(text);
    }
  }
}

function pick(headers: Headers, names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (headers.has(name) ? [[name, headers.get(name)!]] : [])));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
