import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  documentedRoutes,
  fill,
  own,
  ownBusy,
  type Owned,
  requestsTo,
  type RouteRequest,
  sender,
} from '../support/owned.js';
import { rowsOfOwner } from '../support/owner-rows.js';
import { serverForFile } from '../support/sdk.js';

// Bob names things of alice beside his own, in every combination that a request allows. He has to be answered as if they
// did not exist, and nothing of hers may change.
const server = serverForFile({ project: path.resolve(import.meta.dirname, '../auth') });
const [alice, bob] = [sender(server, 'alice'), sender(server, 'bob')];

/** In everything that alice has: no answer to bob holds it. */
const SECRET = 'known to alice alone';

const KINDS = ['thread_id', 'checkpoint_id', 'run_id', 'stateless_run_id', 'assistant_id', 'cron_id'] as const;
type Kind = (typeof KINDS)[number];

/** Which kinds of ids a request names. */
function kindsIn(name: string, request: RouteRequest, owned: Owned): Kind[] {
  const used = new Set<Kind>();
  const watched = new Proxy(owned, {
    get: (target, kind: Kind) => {
      used.add(kind);
      return target[kind];
    },
  });
  fill(name, watched);
  request.body?.(watched);
  request.query?.(watched);
  return KINDS.filter((kind) => used.has(kind));
}

/** All of them but none. */
const subsetsOf = <T>(items: T[]): T[][] =>
  items.reduce<T[][]>((subsets, item) => [...subsets, ...subsets.map((one) => [...one, item])], [[]]).slice(1);

const mixed = (own: Owned, foreign: Owned, kinds: Kind[]): Owned => ({
  ...own,
  ...Object.fromEntries(kinds.map((kind) => [kind, foreign[kind]])),
});

const missing = (): Owned => Object.fromEntries(KINDS.map((kind) => [kind, crypto.randomUUID()])) as unknown as Owned;

/** The answer without the ids that were sent. */
async function answerTo(
  name: string,
  { body, query }: RouteRequest,
  sent: Owned,
): Promise<{ status: number; text: string }> {
  const [method, route] = name.split(' ');
  const leaving = new AbortController();
  const response = await bob(method, fill(route, sent) + (query?.(sent) ?? ''), body?.(sent), leaving.signal);
  const { status } = response;
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    leaving.abort();
    return { status, text: '' };
  }
  const text = await response.text();
  return { status, text: KINDS.reduce((rest, kind) => rest.replaceAll(sent[kind], `<${kind}>`), text) };
}

const aliceRows = (): Promise<string[]> => rowsOfOwner(server.database.pool, 'alice');

const cases = documentedRoutes().flatMap((name) =>
  requestsTo(name)
    .map((request, index): [string, number, RouteRequest] => [name, index, request])
    .filter(([, , request]) => kindsIn(name.split(' ')[1], request, missing()).length > 0),
);

describe('A request that names things of another user', () => {
  let idle: Owned;
  let busy: Owned;
  let before: string[];

  beforeAll(async () => {
    [idle, busy] = await Promise.all([own(alice, SECRET), ownBusy(alice, SECRET)]);
    before = await aliceRows();
  });

  it.each(cases)('is answered as for missing ones: %s, request %i', async (name, _, request) => {
    const his = await own(bob);
    const kinds = kindsIn(name.split(' ')[1], request, his);
    for (const foreign of subsetsOf(kinds)) {
      const expected = await answerTo(name, request, mixed(his, missing(), foreign));
      for (const hers of [idle, busy]) {
        const answer = await answerTo(name, request, mixed(his, hers, foreign));

        expect({ foreign, ...comparable(answer) }).toEqual({ foreign, ...comparable(expected) });
        expect(answer.text).not.toContain(SECRET);
      }
    }
    expect(await aliceRows()).toEqual(before);
  });
});

/** What is accepted makes something new each time. */
const comparable = ({ status, text }: { status: number; text: string }): object =>
  status >= 400 ? { status, text } : { status };

describe('A client that joins a run', () => {
  it('cannot cancel it by leaving when it may only read', async () => {
    const { thread_id, run_id, stateless_run_id } = await own(alice);
    const auditor = sender(server, 'auditor');
    const statusOf = async (route: string): Promise<number> => (await auditor('GET', route)).status;
    const routes = [`/threads/${thread_id}/runs/${run_id}`, `/runs/${stateless_run_id}`].flatMap((run) => [
      `${run}/join`,
      `${run}/stream`,
    ]);

    expect(await Promise.all(routes.map(statusOf))).toEqual([200, 200, 200, 200]);
    expect(await Promise.all(routes.map((route) => statusOf(`${route}?cancel_on_disconnect=true`)))).toEqual([
      403, 403, 403, 403,
    ]);
    const owner = await alice('GET', `${routes[0]}?cancel_on_disconnect=true`);
    expect(owner.status).toBe(200);
  });
});
