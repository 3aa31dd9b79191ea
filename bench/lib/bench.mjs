import { closedLoop } from './closed-loop.mjs';
import { Deployment } from './deployment.mjs';
import { calls, callRatio } from './figures.mjs';

/** Rounds of one measurement, in which floor and server alternate, because the speed of the machine varies. */
const ROUNDS = 2;
/** Warm-up until the speed is stable: the length of a slice, the maximum number of slices, and the required slow slices. */
const WARM_UP_SLICE_S = 0.5;
const MAX_WARM_UP_SLICES = 8;
const SLOW_SLICES = 2;
const FASTER = 1.05;
/** Sequential calls before the first round. */
const WARM_UP_CALLS = 5;

/** The environment of a scenario: servers, the floor, and the duration of measurements. */
export class Bench {
  #deployments = [];

  /** `env` is passed to all server processes; `profiles` is an optional folder for their CPU profiles. */
  constructor({ floor, seconds, env, profiles }) {
    this.floor = floor;
    this.seconds = seconds;
    this.env = env;
    this.profiles = profiles;
  }

  /** Creates a server with its own data, which is not started yet. Removed at the end of the scenario. */
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

  /** Runs the measured load on the floor and a server until they do not become faster. */
  async warmUp({ call, operation, concurrency = 8 }) {
    if (!this.floor.isWarm(operation)) {
      await untilSteady((seconds) => this.floor.measure(operation, { concurrency, seconds }));
    }
    await untilSteady((seconds) => closedLoop({ concurrency, seconds, call }));
  }

  /**
   * Measures the same load on a server (`call`) and on the floor (`operation`) alternately: figures of both, and ratios.
   * `beside` is concurrent load: for the server a function, for the floor its name.
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

  /** Measures load on a server only. */
  async figuresOf(deployment, { figures = calls, seconds = this.seconds, ...load }) {
    return figures([await measure(deployment, { seconds, ...load })]);
  }

  /** Stops and removes everything. Returns the log lines of the servers at level warn and above. */
  async close() {
    for (const deployment of this.#deployments) {
      await deployment.remove();
    }
    return this.#deployments.flatMap(({ complaints }) => complaints);
  }
}

/** JIT compilers need seconds of load. */
async function untilSteady(measure) {
  let best = 0;
  for (let slice = 0, slow = 0; slice < MAX_WARM_UP_SLICES && slow < SLOW_SLICES; slice += 1) {
    const { samples, wall_ms } = await measure(WARM_UP_SLICE_S);
    const rate = samples.length / wall_ms;
    slow = rate > best * FASTER ? 0 : slow + 1;
    best = Math.max(best, rate);
  }
}

/** One round of load on a server, with the CPU time of its processes. */
async function measure(deployment, load) {
  const before = deployment.cpu();
  const measured = await closedLoop(load);
  const after = deployment.cpu();
  const cpu = Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, ms - before[name]]));
  return { ...measured, cpu };
}
