// Measures the server and, in the same run, the same graphs without a server: every figure is also a ratio. Prints one
// JSON document, and progress and targets on stderr. See README.md.
//   npm run bench -- [--seconds 2] [--only wait,tokens] [--env NAME=VALUE]... [--out FILE]
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { Bench } from './lib/bench.mjs';
import { Floor } from './lib/floor.mjs';
import { round } from './lib/figures.mjs';
import { environmentOf, stopOnSignal } from './lib/program.mjs';
import { machine, machineCpuMs, treeCpuMs } from './lib/proc.mjs';
import { SCENARIOS } from './scenarios/index.mjs';
import { checkTargets, targetLine } from './targets.mjs';

/** Maximum load of other programs, as a share of the cores. */
const MAX_FOREIGN_LOAD = 0.15;
const MAX_LOGGED_LINES = 3;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    only: { type: 'string' },
    env: { type: 'string', multiple: true, default: [] },
    out: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const names = values.only?.split(',') ?? Object.keys(SCENARIOS);
const unknown = names.find((name) => !(name in SCENARIOS));
if (unknown !== undefined || !(seconds > 0)) {
  process.stderr.write(`--seconds is a number; --only takes ${Object.keys(SCENARIOS).join(', ')}.\n`);
  process.exit(2);
}
const env = environmentOf(values.env);
const floor = new Floor();
let bench;
stopOnSignal(async () => {
  await bench?.close();
  await floor.stop();
});
const report = (line) => process.stderr.write(`${line}\n`);

/** Runs one scenario and measures the load of other programs meanwhile. */
async function run(name) {
  bench = new Bench({ floor, seconds, env });
  const begin = { at: performance.now(), machine: machineCpuMs(), own: treeCpuMs(process.pid) };
  let result;
  try {
    result = await SCENARIOS[name](bench);
  } catch (error) {
    process.exitCode = 1;
    result = { failed: error.stack };
  }
  const complaints = await bench.close();
  const took_ms = performance.now() - begin.at;
  const now = machineCpuMs();
  const own = treeCpuMs(process.pid) - begin.own;
  return {
    ...result,
    ...(complaints.length > 0 && { logged: complaints.slice(0, MAX_LOGGED_LINES), logged_lines: complaints.length }),
    took_s: round(took_ms / 1000, 1),
    cores_used_by_others: round((now.busy - begin.machine.busy - own) / took_ms),
    cores_stolen: round((now.stolen - begin.machine.stolen) / took_ms),
  };
}

const load = os.loadavg().map((value) => round(value));
const isNoisy = load[0] > MAX_FOREIGN_LOAD * os.cpus().length;
const result = {
  at: new Date().toISOString(),
  machine: machine(),
  load_average_at_begin: load,
  ...(isNoisy && { warning: 'The machine was not quiet at the begin: figures and ratios may be wrong.' }),
  seconds,
  ...(values.env.length > 0 && { env }),
  scenarios: {},
};
if (isNoisy) {
  report(`Load average ${load[0]}: ${result.warning}`);
}
await floor.start();
for (const name of names) {
  result.scenarios[name] = await run(name);
  const { took_s, failed } = result.scenarios[name];
  report(`${name}: ${took_s} s${failed ? `, failed: ${failed}` : ''}`);
}
await floor.stop();
result.targets = checkTargets(result.scenarios);
result.targets.forEach((target) => report(targetLine(target)));
const json = `${JSON.stringify(result, null, 2)}\n`;
if (values.out) {
  writeFileSync(values.out, json);
} else {
  process.stdout.write(json);
}
