import fc from 'fast-check';
import type { Changes } from './changes.js';
import { untilIdle } from './changes.js';
import { leakOf } from './leaks.js';
import type { Draft } from './requests.js';
import { anyRequest } from './requests.js';
import type { Scene } from './scene.js';
import { exchange, toWire, type WireAnswer, type WireRequest } from './wire.js';

/** How often a route was asked, by status. */
export type Counts = Map<string, Map<number, number>>;

export interface Attack {
  scene: Scene;
  seed: number;
  requests: number;
  counts: Counts;
  /** When it is given, a refused request must not have changed anything; nobody else may change anything then. */
  changes?: Changes;
}

/** Requests after which there are new threads to ask for. */
const PLANTING = 400;
/** Milliseconds for which an answer is read that lasts as long as a run. */
const OPEN_MS = 100;

/** Sends requests one after the other; throws for the first that goes wrong, as small as it can be made. */
export async function attack({ scene, seed, requests, counts, changes }: Attack): Promise<void> {
  let sent = 0;
  const check = async (draft: Draft): Promise<void> => {
    if (sent % PLANTING === 0) {
      await scene.plant();
      await changes?.since();
    }
    sent += 1;
    const request = toWire(draft, (away) => scene.places.at(draft.place + away));
    const answer = await exchange(new URL(scene.server.url), request, changes ? 0 : OPEN_MS).catch((error: Error) => {
      throw wrong(error.message, request);
    });
    count(counts, draft.route.name, answer.status);
    scene.places.learn(answer.head, answer.body);
    const fault = faultOf(answer, request) ?? (changes && (await changedBy(answer, changes, scene)));
    if (fault) {
      throw wrong(fault, request, answer);
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
    return 'the answer was broken off';
  }
  const leak = leakOf(`${head}\r\n${body}`, bytes.toString());
  return leak && `the answer holds ${leak}`;
}

async function changedBy({ status, left }: WireAnswer, changes: Changes, scene: Scene): Promise<string | undefined> {
  if (left) {
    // The server does something about a client that leaves.
    await fetch(`${scene.server.url}/ok`);
    await untilIdle(scene.database.pool);
  }
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

/** Short enough to be read; control characters and what is no ASCII as they would be written in JSON. */
const visible = (bytes: Buffer): string => {
  const text = JSON.stringify(bytes.toString('latin1')).slice(1, -1).replaceAll('\\r\\n', '\n').replaceAll('\\"', '"');
  return text.length > 2_000 ? `${text.slice(0, 1_500)} ... ${text.length} characters` : text;
};
