// Writes docs/compatibility.md from the results of the suites, or checks that it claims no more than they have shown:
//   node test/compatibility/generate.mjs FOLDER [--check]
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { NODES } from '../../scripts/lib/nodes.mjs';
import { VERSIONS } from '../../scripts/lib/package-managers.mjs';

const HERE = import.meta.dirname;
const FILE = path.join(HERE, '../../docs/compatibility.md');

/** The clients that every method is proven with. Others have rows of their own below. */
const COLUMNS = ['Python 0.2.9', 'Python newest', 'JavaScript 1.15.0', 'JavaScript 2.0.0'];

const excuses = JSON.parse(readFileSync(path.join(HERE, '../parity/unread-on-purpose.json'), 'utf8'));
const methods = JSON.parse(readFileSync(path.join(HERE, 'methods.json'), 'utf8'));

const { peerDependencies, devDependencies } = JSON.parse(readFileSync(path.join(HERE, '../../package.json'), 'utf8'));

/** What test/projects installs the package with. */
const INSTALLERS = [
  'npm',
  `Yarn ${VERSIONS.yarn}`,
  `Yarn ${VERSIONS.berry}, node_modules`,
  `Yarn ${VERSIONS.berry}, Plug'n'Play`,
  `pnpm ${VERSIONS.pnpm}`,
  `bun ${VERSIONS.bun}`,
];

/** Yarn 1 is the only one that refuses packages for the Node that they name. */
function installed(installer, node) {
  return installer === `Yarn ${VERSIONS.yarn}` && Number.parseInt(node) < 22 ? 'with `--ignore-engines`' : 'yes';
}

function readResults(folder) {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')))
    .filter(({ passed }) => passed);
}

/** Whether the client has the method at all. */
function has({ python, javascript = [] }, column) {
  const [language, version] = column.split(' ');
  if (language === 'JavaScript') {
    return javascript.includes(version);
  }
  return python !== undefined && (version === 'newest' || python === version);
}

function cell(row, column, results) {
  if (!has(row, column)) {
    return '–';
  }
  return row.missing ? 'no' : String(results.filter(({ client, methods: called }) => client === column && called.includes(row.method)).length); // prettier-ignore
}

const line = (cells) => `| ${cells.join(' | ')} |`;

const table = (head, rows) => [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');

function page(results) {
  const matrix = methods.map((row) => [
    `\`${row.method}\``,
    row.requests.map((request) => `\`${request}\``).join('<br>'),
    ...COLUMNS.map((column) => cell(row, column, results)),
  ]);
  const others = [...new Set(results.map(({ client }) => client))].filter((client) => !COLUMNS.includes(client)).sort();
  const missing = methods.filter((row) => row.missing).map((row) => `\`${row.method}\` (${row.missing})`);
  const newest = results.find(({ client }) => client === 'Python newest')?.version;
  return `# Compatibility

Which methods of the official SDKs work with this server, and how many tests of ours prove it: tests that have called the
method of the real client against a running server, and have passed. This page is written by \`npm run compatibility\` from
the results of the suites. The pipeline fails when it claims clearly more than they have shown, and when a method has no test.

"–": this version has no such method. "no": the server does not have it yet, which is so for ${missing.join(', ')}.
Newest, when this was written: Python ${newest}. 

That every parameter of these methods is read is what \`test/parity\` shows: it asks the types of the SDKs what they may send.
On purpose these are left unread:

${excuses.map(({ shown, because }) => `- ${shown}: ${because}.`).join('\n')}

${table(['method', 'requests', ...COLUMNS], matrix)}

## Other clients

${table(
  ['client', 'tests'],
  others.map((client) => [client, String(results.filter((result) => result.client === client).length)]),
)}

## Versions

The packages that a project brings. \`test/e2e/peers.spec.ts\` tests the oldest versions; they are the lowest that Nestgraph starts
with. All other suites test the newest.

${table(
  ['package', 'oldest', 'newest tested'],
  Object.entries(peerDependencies).map(([name, range]) => [
    `\`${name}\``,
    range.replace('^', ''),
    devDependencies[name],
  ]),
)}

How the package can be installed. \`NESTGRAPH_PROJECTS=all npm run test:projects\` installs it in each of these ways on the oldest
Node of each line, and starts it.

${table(
  ['package manager', ...NODES.map(({ oldest }) => `Node ${oldest}`)],
  INSTALLERS.map((installer) => [installer, ...NODES.map(({ oldest }) => installed(installer, oldest))]),
)}

TypeORM names these versions as the oldest that it supports. \`file-type\`, \`content-disposition\` and \`cookie\`, which NestJS and
Fastify bring, name Node 22; what Nestgraph uses of them works on Node 20. Yarn 1 refuses packages for that, the other package
managers install them:

\`\`\`sh
yarn add --dev nestgraph --ignore-engines   # Yarn 1 on Node 20 only
\`\`\`

A later \`yarn install\` there needs \`--ignore-engines\` too, or the line \`ignore-engines true\` in \`.yarnrc\`.

\`npx nestgraph dev\` works without an installation, too. It uses the LangGraph of the project, or its own when the project has none.
`;
}

const tableLines = (text) => text.split('\n').filter((one) => one.startsWith('|'));

/** Some calls depend on the moment: who finds that a run has ended need not ask again. */
const isShown = (claimed, measured) => measured > 0 && measured >= Math.floor(claimed * 0.9);

/** What the page that is there says and the results do not. */
function overclaims(written, shown) {
  const lines = tableLines(written);
  const measured = tableLines(shown);
  if (lines.length !== measured.length) {
    return [`${lines.length} lines of tables, the results make ${measured.length}`];
  }
  return lines.filter((text, at) => {
    const other = measured[at].split('|');
    return text
      .split('|')
      .some((value, index) => !(value === other[index] || isShown(Number(value), Number(other[index]))));
  });
}

function untested(results) {
  return methods.flatMap((row) =>
    COLUMNS.filter((column) => cell(row, column, results) === '0').map((column) => `${column}: ${row.method}`),
  );
}

const [folder, check] = process.argv.slice(2);
const results = readResults(folder);
const shown = page(results);
const problems = untested(results).map((one) => `no test calls ${one}`);
if (check === '--check') {
  const claims = overclaims(readFileSync(FILE, 'utf8'), shown);
  problems.push(...claims.map((one) => `docs/compatibility.md says more than was shown: ${one}`));
} else {
  writeFileSync(FILE, shown);
}
problems.forEach((problem) => console.error(problem));
process.exitCode = problems.length > 0 ? 1 : 0;
