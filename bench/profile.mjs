// Runs one scenario and reports where its server processes spent their time: by package, by function, and by the total of
// each of our functions. The profile starts when a process is ready and ends before it is stopped.
//   npm run bench:profile -- wait [--seconds 5] [--env NAME=VALUE]... [--top 30] [--keep FOLDER]
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Bench } from './lib/bench.mjs';
import { readProfile } from './lib/cpu-profile.mjs';
import { Floor } from './lib/floor.mjs';
import { environmentOf, stopOnSignal } from './lib/program.mjs';
import { SCENARIOS } from './scenarios/index.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    env: { type: 'string', multiple: true, default: [] },
    top: { type: 'string', default: '30' },
    keep: { type: 'string' },
  },
});
const [name] = positionals;
if (!(name in SCENARIOS)) {
  process.stderr.write(`Name one of ${Object.keys(SCENARIOS).join(', ')}.\n`);
  process.exit(2);
}
const profiles = path.resolve(values.keep ?? mkdtempSync(path.join(os.tmpdir(), 'nestgraph-profile-')));
mkdirSync(profiles, { recursive: true });
const floor = new Floor();
const bench = new Bench({ floor, seconds: Number(values.seconds), env: environmentOf(values.env), profiles });
const stop = async () => {
  const complaints = await bench.close();
  complaints.forEach((line) => process.stderr.write(`${line}\n`));
  await floor.stop();
};
stopOnSignal(stop);
try {
  await floor.start();
  await SCENARIOS[name](bench);
} finally {
  await stop();
}
for (const file of readdirSync(profiles).filter((one) => one.endsWith('.cpuprofile'))) {
  print(file, readProfile(path.join(profiles, file)));
}
if (values.keep === undefined) {
  rmSync(profiles, { recursive: true });
}

function print(file, { busy_ms, busy_share, groups, callers, functions, inclusive }) {
  process.stdout.write(
    `\n${file}: busy ${(busy_ms / 1000).toFixed(1)} s, ${(busy_share * 100).toFixed(0)} % of the time\n`,
  );
  printShares('by package', groups);
  printShares('by package, with the code of Node and the native code that it called', callers);
  printShares('by function', functions);
  printShares('our functions with what they called', inclusive);
}

function printShares(title, list) {
  process.stdout.write(`\n  ${title}\n`);
  for (const { key, ms, share } of list.slice(0, Number(values.top))) {
    process.stdout.write(`  ${(share * 100).toFixed(1).padStart(6)} %  ${ms.toFixed(0).padStart(6)} ms  ${key}\n`);
  }
}
