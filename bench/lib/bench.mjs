import { closedLoop } from './closed-loop.mjs';
import { Deployment } from './deployment.mjs';
import { calls, callRatio } from './figures.mjs';

/** Rounds of one measurement, in which floor and server take turns: a machine is not equally fast all the time. */
const ROUNDS = 2;
/** Load until it does not get faster: slices of so many seconds, at most so many, until so many were not faster than before. */
const WARM_UP_SLICE_S = 0.5;
const MOST_WARM_UP_SLICES = 8;
const SLOW_SLICES = 2;
const FASTER = 1.05;
/** Calls before the first round, one after the other. */
const WARM_UP_CALLS = 5;

/** What a scenario works with: servers to start, the floor beside them, and how long to measure. */
export class Bench {
  #deployments = [];

  /** `env` goes to all server processes; `profiles` is a folder for their CPU profiles, if they are to be made. */
  constructor({ floor, seconds, env, profiles }) {
    this.floor = floor;
    this.seconds = seconds;
    this.env = env;
    this.profiles = profiles;
  }

  /** A server with data of its own, not started yet. Removed at the end of the scenario. */
  newDeployment(env) {
    const deployment = new Deployment({ env: { ...env, ...this.env }, profiles: this.profiles });
    this.#deployments.push(deployment);
    return deployment;
  }

  /** A server in one process. */
  async server({ env, ...options } = {}) {
    const deployment = this.newDeployment(env);
    await deployment.startServer(options);
    return deployment;
  }

  /** An API process and a worker process. */
  async serverApart({ env, ...options } = {}) {
    const deployment = this.newDeployment(env);
    await deployment.startApart(options);
    return deployment;
  }

  /** Lets the floor and a server do what is going to be measured until they do not get faster by it any more. */
  async warmUp({ call, operation, concurrency = 8 }) {
    if (!this.floor.isWarm(operation)) {
      await untilSteady((seconds) => this.floor.measure(operation, { concurrency, seconds }));
    }
    await untilSteady((seconds) => closedLoop({ concurrency, seconds, call }));
  }

  /**
   * The same load on a server (`call`) and on the floor (`operation`), in turns: figures of both, and how they relate.
   * `beside` is other load meanwhile, for the server a function and for the floor its name.
   */
  async compare(
    deployment,
    { call, operation, concurrency, beside = {}, seconds = this.seconds, figures = calls, ratio = callRatio },
  ) {
    const { floor } = this;
    const rounds = { server: [], floor: [] };
    for (let index = 0; index < WARM_UP_CALLS; index += 1) {
      await call();
    }
    await floor.measure(operation, { concurrency: 1, seconds: 0.1 });
    for (let index = 0; index < ROUNDS; index += 1) {
      const load = { concurrency, seconds: seconds / ROUNDS };
      rounds.floor.push(await floor.measure(operation, { ...load, beside: beside.floor }));
      rounds.server.push(await measure(deployment, { ...load, call, beside: beside.server }));
    }
    const [server, base] = [figures(rounds.server), figures(rounds.floor)];
    return { server, floor: base, ratio: ratio(server, base) };
  }

  /** Load on a server alone. */
  async figuresOf(deployment, { figures = calls, seconds = this.seconds, ...load }) {
    return figures([await measure(deployment, { seconds, ...load })]);
  }

  /** Stops and removes everything. Gives what servers have logged at level warn and above. */
  async close() {
    for (const deployment of this.#deployments) {
      await deployment.remove();
    }
    return this.#deployments.flatMap(({ complaints }) => complaints);
  }
}

/** Compilers need seconds of load to be done. */
async function untilSteady(measure) {
  let best = 0;
  for (let slice = 0, slow = 0; slice < MOST_WARM_UP_SLICES && slow < SLOW_SLICES; slice += 1) {
    const { samples, wall_ms } = await measure(WARM_UP_SLICE_S);
    const rate = samples.length / wall_ms;
    slow = rate > best * FASTER ? 0 : slow + 1;
    best = Math.max(best, rate);
  }
}

/** One round of load on a server, with what its processes used meanwhile. */
async function measure(deployment, load) {
  const before = deployment.cpu();
  const measured = await closedLoop(load);
  const after = deployment.cpu();
  const cpu = Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, ms - before[name]]));
  return { ...measured, cpu };
}
