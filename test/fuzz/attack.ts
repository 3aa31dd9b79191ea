import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { type Changes, untilIdle } from './changes.js';
import { leakOf } from './leaks.js';
import { anyRequest, type Draft } from './requests.js';
import type { Scene } from './scene.js';
import { exchange, toWire, type WireAnswer, type WireRequest } from './wire.js';

/** Number of requests per route and status. */
export type Counts = Map<string, Map<number, number>>;

export interface Attack {
  scene: Scene;
  seed: number;
  requests: number;
  counts: Counts;
  /** If given, a rejected request must not have changed anything; then no other client may change anything. */
  changes?: Changes;
}

/** Number of requests after which new threads are created. */
const PLANTING = 200;
/** If only requests may change anything, clients that wait for a run disconnect together after this number of requests. */
const LEAVING = 5 * PLANTING;
/** Milliseconds within which the server handles the disconnect of a client that does not reconnect. */
const DISCONNECT_MS = 6_000;
/** Milliseconds for which a response is read that lasts as long as a run. */
const OPEN_MS = 100;

/** Sends requests one after the other. Throws for the first failure, with the smallest request that causes it. */
export async function attack({ scene, seed, requests, counts, changes }: Attack): Promise<void> {
  let sent = 0;
  const open: Socket[] = [];
  const check = async (draft: Draft): Promise<void> => {
    if (sent % PLANTING === 0) {
      await scene.plant();
    }
    if (changes && sent % LEAVING === 0) {
      open.splice(0).forEach((socket) => socket.destroy());
      await sleep(DISCONNECT_MS);
      await untilIdle(scene.database.pool);
    }
    if (changes && sent % PLANTING === 0) {
      await changes.since();
    }
    sent += 1;
    const request = toWire(draft, (away) => scene.places.at(draft.place + away), scene.key);
    const leave = (socket: Socket): unknown => (changes ? open.push(socket) : socket.destroy());
    const answer = await exchange(new URL(scene.server.url), request, changes ? 0 : OPEN_MS, leave).catch(
      (error: Error) => {
        throw wrong(error.message, request);
      },
    );
    count(counts, draft.route.name, answer.status);
    if (answer.status < 300) {
      scene.places.learn(answer.head, answer.body);
    }
    const fault = faultOf(answer, request) ?? (changes && (await changedBy(answer, changes)));
    if (fault) {
      const logged = scene.server.output().slice(-2_000);
      throw wrong(`${fault}\nThe end of the server's log:\n${logged}`, request, answer);
    }
  };
  await fc.assert(fc.asyncProperty(anyRequest, check), {
    seed,
    numRuns: requests,
    endOnFailure: false,
    reporter: (result) => {
      if (result.failed) {
        const cause = result.errorInstance instanceof Error ? result.errorInstance.message : '';
        throw new Error(
          `seed ${result.seed}, request ${result.numRuns}, made smaller ${result.numShrinks} times:\n${cause}`,
        );
      }
    },
  });
}

function faultOf({ status, head, body, broken }: WireAnswer, { bytes }: WireRequest): string | undefined {
  if (!(status >= 200 && status < 500)) {
    return `answered with ${status}`;
  }
  if (broken) {
    return 'the response was aborted';
  }
  const leak = leakOf(`${head}\r\n${body}`, bytes.toString());
  return leak && `the answer holds ${leak}`;
}

async function changedBy({ status }: WireAnswer, changes: Changes): Promise<string | undefined> {
  const changed = await changes.since();
  return status >= 400 && changed.length > 0 ? `refused, and yet:\n${changed.join('\n')}` : undefined;
}

function count(counts: Counts, route: string, status: number): void {
  const ofRoute = counts.get(route) ?? new Map<number, number>();
  ofRoute.set(status, (ofRoute.get(status) ?? 0) + 1);
  counts.set(route, ofRoute);
}

function wrong(fault: string, { bytes }: WireRequest, answer?: WireAnswer): Error {
  const shown = answer ? `\n\n${answer.head}\n\n${answer.body.slice(0, 1_500)}` : '';
  return new Error(`${fault}\n\n${visible(bytes)}${shown}`);
}

/** Shortened; control characters and non-ASCII characters are escaped as in JSON. */
const visible = (bytes: Buffer): string => {
  const text = JSON.stringify(bytes.toString('latin1')).slice(1, -1).replaceAll('\\r\\n', '\n').replaceAll('\\"', '"');
  return text.length > 2_000 ? `${text.slice(0, 1_500)} ... ${text.length} characters` : text;
};
