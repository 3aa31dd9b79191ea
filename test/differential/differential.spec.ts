import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fakeLangSmith, type FakeLangSmith } from '../support/langsmith.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { compare, type Difference, replacePlaces } from './compare.js';
import { isExplained, places } from './explanations.js';
import { type Scenario, Scene } from './scene.js';
import { SCENARIOS } from './scenarios/index.js';
import { environment, type Server, startOurs, startTheirs } from './servers.js';

/** Maximum number of concurrent scenarios. */
const AT_ONCE = 8;
const LIMIT_MS = 120_000;

let langsmith: FakeLangSmith;
let receiver: Receiver;
let theirs: Server;
let ours: Server;
const differences = new Map<string, Promise<Difference[]>>();

beforeAll(async () => {
  [langsmith, receiver] = await Promise.all([fakeLangSmith(), startReceiver()]);
  const env = environment(langsmith.url);
  [theirs, ours] = await Promise.all([startTheirs(env), startOurs(env)]);
  const play = pool(AT_ONCE);
  for (const [name, scenario] of SCENARIOS) {
    const found = play(() => differencesOf(scenario));
    found.catch(() => undefined);
    differences.set(name, found);
  }
});

afterAll(async () => {
  await Promise.all([theirs?.stop(), ours?.stop()]);
  await Promise.all([langsmith?.stop(), receiver?.close()]);
});

describe('the official server and Nestgraph behave the same for clients, except for explained differences:', () => {
  it.each(SCENARIOS.map(([name]) => name))('%s', async (name) => {
    const all = await differences.get(name)!;
    expect(all.filter((difference) => !isExplained(name, difference)).map(shown)).toEqual([]);
  });
});

it('every explained difference still exists', () => {
  expect(places.filter(({ explained }) => explained === 0).map(({ place }) => place)).toEqual([]);
});

async function differencesOf(scenario: Scenario): Promise<Difference[]> {
  const [left, right] = await Promise.all([story(theirs, scenario), story(ours, scenario)]);
  return compare(left, right);
}

async function story(server: Server, scenario: Scenario): Promise<unknown> {
  const scene = new Scene(server.url, receiver);
  const late = new AbortController();
  try {
    await Promise.race([scenario(scene), tooLate(late.signal)]);
    return replacePlaces(scene.story, scene.places());
  } catch (cause) {
    const steps = Object.keys(scene.story).join(', ');
    throw new Error(`Came no further than "${steps}" with ${server.name}.`, { cause });
  } finally {
    late.abort();
    scene.end();
  }
}

/** Rejects after a time that no scenario takes. */
const tooLate = (signal: AbortSignal): Promise<never> =>
  sleep(LIMIT_MS, undefined, { signal }).then(
    () => Promise.reject(new Error(`It took longer than ${LIMIT_MS} ms.`)),
    () => new Promise<never>(() => undefined),
  );

const shown = ({ path, theirs, ours }: Difference): string =>
  `${path}\n  theirs: ${JSON.stringify(theirs) ?? '(nothing)'}\n  ours:   ${JSON.stringify(ours) ?? '(nothing)'}`;

/** Limits the number of concurrent tasks. */
function pool(size: number): <T>(begin: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = size;
  return async (begin) => {
    if (free === 0) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      free -= 1;
    }
    try {
      return await begin();
    } finally {
      const next = waiting.shift();
      if (next) {
        next();
      } else {
        free += 1;
      }
    }
  };
}
