import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { costlyBodies, routesWithBodies } from '../lib/costly-bodies.mjs';
import { round } from '../lib/figures.mjs';
import { HealthPoll } from '../lib/health-poll.mjs';

/** The defaults of NESTGRAPH_BODY_LIMIT_MB and NESTGRAPH_BODY_LIMIT_VALUES. */
const DEFAULTS = { megabytes: 20, values: 100_000 };
/** A created run continues after the response. */
const MAX_RUN_MS = 15_000;
const SETTLE_MS = 30;
/** Number of reported bodies per route. */
const SHOWN = 3;

/**
 * For each route with a body: how long other clients wait for `/ok` during the most expensive bodies within the limits, until
 * the created run, if any, has ended. Rejected bodies count, too.
 */
export async function bodies(bench) {
  const limits = {
    bytes: Number(bench.env.NESTGRAPH_BODY_LIMIT_MB ?? DEFAULTS.megabytes) * 1024 * 1024,
    values: Number(bench.env.NESTGRAPH_BODY_LIMIT_VALUES ?? DEFAULTS.values),
  };
  const server = await bench.server({ probed: true });
  const poll = new HealthPoll(server.client.url);
  const targets = new Targets(server.client);
  try {
    await warmUp(server.client);
    const routes = {};
    for (const route of routesWithBodies()) {
      const measured = [];
      for (const body of costlyBodies(route, limits)) {
        measured.push(await measure(server, poll, route, await targets.pathOf(route), body));
      }
      measured.sort((a, b) => b.ok_ms - a.ok_ms);
      const worst = measured[0];
      routes[route] = {
        slowest_ok_ms: worst.ok_ms,
        longest_turn_cpu_ms: Math.max(...measured.map((one) => one.turn_cpu_ms)),
        bodies: measured.length,
        worst: measured.slice(0, SHOWN),
      };
      process.stderr.write(`${route}: ${worst.ok_ms} ms (${worst.status}, ${worst.shape} in ${worst.at})\n`);
    }
    const all = Object.values(routes);
    return {
      limits,
      slowest_ok_ms: Math.max(...all.map((one) => one.slowest_ok_ms)),
      longest_turn_cpu_ms: Math.max(...all.map((one) => one.longest_turn_cpu_ms)),
      routes,
    };
  } finally {
    await poll.stop();
  }
}

async function measure(server, poll, route, path, { shape, at, text }) {
  const { client } = server;
  const body = text();
  await client.get('/ok');
  await poll.begin();
  await server.beginTurns();
  const begin = performance.now();
  const [method] = route.split(' ');
  const {
    statusCode,
    headers,
    body: answer,
  } = await client.pool.request({ method, path, headers: { 'content-type': 'application/json' }, body });
  await answer.dump({ limit: Infinity });
  const answered_ms = performance.now() - begin;
  await untilRunEnds(client, headers['content-location']);
  await sleep(SETTLE_MS);
  const turn = await server.endTurns();
  return {
    shape,
    at,
    status: statusCode,
    ok_ms: round(await poll.end(), 0),
    turn_cpu_ms: round(turn, 0),
    answered_ms: round(answered_ms, 0),
    megabytes: round(body.length / 1e6, 1),
  };
}

/** Waits for the newest run of the thread in the response, if any. */
async function untilRunEnds(client, location) {
  const end = performance.now() + MAX_RUN_MS;
  const runs = location?.startsWith('/threads') && location.slice(0, location.lastIndexOf('/'));
  while (runs && performance.now() < end) {
    const [newest] = await client.get(`${runs}?limit=1&select=status`);
    if (newest?.status !== 'pending' && newest?.status !== 'running') {
      return;
    }
    await sleep(SETTLE_MS);
  }
}

async function warmUp(client) {
  for (let round = 0; round < 20; round += 1) {
    await client.post('/runs/wait', { assistant_id: 'steps10', input: {} });
    await client.post('/runs/wait', { assistant_id: 'echo', input: { messages: ['hi'] } });
  }
}

/** Resources of the routes: new ones for each body, so that bodies do not affect each other. */
class Targets {
  constructor(client) {
    this.client = client;
  }

  async pathOf(route) {
    const [, path] = route.split(' ');
    const ids = { thread_id: () => this.#thread(), assistant_id: () => this.#assistant(), cron_id: () => this.#cron() };
    const [, name] = /\{(\w+)\}/.exec(path) ?? [];
    return name ? path.replace(`{${name}}`, await ids[name]()) : path;
  }

  /** With a history. */
  async #thread() {
    const { thread_id } = await this.client.post('/threads', { metadata: { graph_id: 'steps10' } });
    await this.client.post(`/threads/${thread_id}/runs/wait`, { assistant_id: 'steps10', input: {} });
    return thread_id;
  }

  async #assistant() {
    return (await this.client.post('/assistants', { graph_id: 'steps10' })).assistant_id;
  }

  async #cron() {
    return (await this.client.post('/runs/crons', { assistant_id: 'steps10', schedule: '0 0 1 1 *' })).cron_id;
  }
}
