// Checks whether a third-party project runs: node scripts/try-project.mjs FOLDER... [--manager npm|npx|pnpm|yarn|berry|bun]
// [--node VERSION] [--tarball FILE]
// Installs the packed Nestgraph into a copy of each project, starts it, and prints the result, one JSON line per project.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { packNestgraph } from './lib/pack.mjs';
import { tryProject } from './lib/try-project.mjs';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { manager: { type: 'string' }, node: { type: 'string' }, tarball: { type: 'string' } },
});
if (positionals.length === 0) {
  process.stderr.write(
    'usage: node scripts/try-project.mjs FOLDER... [--manager NAME] [--node VERSION] [--tarball FILE]\n',
  );
  process.exit(2);
}
const folder = await mkdtemp(path.join(os.tmpdir(), 'nestgraph-tarball-'));
try {
  const tarball = values.tarball ? path.resolve(values.tarball) : (await packNestgraph(folder)).tarball;
  for (const project of positionals) {
    const found = await tryProject(project, { tarball, manager: values.manager, node: values.node });
    process.stdout.write(`${JSON.stringify({ project, ...found })}\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
