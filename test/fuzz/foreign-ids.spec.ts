import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { rowsOfOwner } from '../support/owner-rows.js';
import { killLeftovers } from '../support/server.js';
import { untilIdle } from './changes.js';
import { SECRETS } from './leaks.js';
import { type Kind, type Place, Places } from './places.js';
import { anyRequest, type Draft } from './requests.js';
import { connect, createScene, plant, plantMasters, type Scene } from './scene.js';
import { exchange, toWire } from './wire.js';

const SEED = Number(process.env.NESTGRAPH_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Each is sent three times. */
const REQUESTS = Math.ceil(Number(process.env.NESTGRAPH_FUZZ_REQUESTS ?? 10_000) / 10);
/** Number of requests after which the sender gets new resources. */
const PLANTING = 100;

const KINDS: Kind[] = ['thread_id', 'run_id', 'checkpoint_id', 'assistant_id', 'cron_id'];
const MISSING: Record<string, string> = Object.fromEntries(
  KINDS.map((kind, index) => [kind, `0192f0c1-0000-7000-8000-0000000000f${index}`]),
);

/** Ids are unique per server: a client that creates a resource with an existing id learns that it exists. */
const createsById = ({ route, body }: Draft): boolean =>
  ['POST /threads', 'POST /assistants'].includes(route.name) ||
  /"if_not_exists":"create"/.test(JSON.stringify(body) ?? '');

/** Valid requests with ids of another user. */
const request = fc
  .record({ draft: anyRequest, kinds: fc.subarray(KINDS, { minLength: 1 }), hers: fc.nat(50) })
  .map(({ draft, ...rest }) => ({ draft: { ...draft, twist: undefined }, ...rest }))
  .filter(({ draft }) => !createsById(draft));

interface Answer {
  status: number;
  text: string;
}

describe(`with seed ${SEED} a user who sends ids of another user`, () => {
  let scene: Scene;
  let hers: Places;

  beforeAll(async () => {
    scene = await createScene({ works: true });
    const client = connect(scene.server.url, SECRETS.key);
    const masters = await plantMasters(client);
    hers = new Places(masters);
    await plant(client, masters, hers);
    await untilIdle(scene.database.pool);
  });
  afterAll(async () => {
    await scene?.end();
    await killLeftovers();
  });

  /** The response without the ids of the request. */
  async function answerTo(draft: Draft, foreign: Partial<Place>): Promise<Answer> {
    const sent: Place[] = [];
    const placeAt = (away: number): Place => {
      const place = { ...scene.places.at(draft.place + away), ...foreign };
      sent.push(place);
      return place;
    };
    const wire = toWire(draft, placeAt, scene.key);
    const { status, body } = await exchange(new URL(scene.server.url), wire, 0, (socket) => socket.destroy());
    const ids = sent.flatMap((place) => KINDS.map((kind) => place[kind]));
    return { status, text: ids.reduce((text, id) => text.replaceAll(id, '<id>'), body) };
  }

  it(`gets the same response ${REQUESTS} times as for missing ids, and changes no resource of the other user`, async () => {
    const before = await rowsOfOwner(scene.database.pool, 'another');
    expect(before.length).toBeGreaterThan(50);
    let sent = 0;
    const check = async ({
      draft,
      kinds,
      hers: index,
    }: {
      draft: Draft;
      kinds: Kind[];
      hers: number;
    }): Promise<void> => {
      if (sent % PLANTING === 0) {
        await scene.plant();
      }
      sent += 1;
      const pick = (place: Record<string, string>): Partial<Place> =>
        Object.fromEntries(kinds.map((kind) => [kind, place[kind]]));
      const expected = await answerTo(draft, pick(MISSING));
      const answer = await answerTo(draft, pick({ ...hers.at(index) }));
      // Runs of the sender may end meanwhile: the same request may get another response a moment later.
      const again = await answerTo(draft, pick(MISSING));
      if (expected.status >= 400 && again.status >= 400) {
        expect([expected, again]).toContainEqual(answer);
      }
      expect(await rowsOfOwner(scene.database.pool, 'another')).toEqual(before);
    };
    await fc.assert(fc.asyncProperty(request, check), { seed: SEED, numRuns: REQUESTS, endOnFailure: true });
  });
});
