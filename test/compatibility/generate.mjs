// Writes docs/compatibility.md from the results of the suites, or checks that it claims no more than they have shown:
//   node test/compatibility/generate.mjs FOLDER [--check]
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { NODES } from '../../scripts/lib/nodes.mjs';
import { VERSIONS } from '../../scripts/lib/package-managers.mjs';

const HERE = import.meta.dirname;
const FILE = path.join(HERE, '../../docs/compatibility.md');

/** The clients that every method is tested with. Others have separate rows below. */
const COLUMNS = ['Python 0.2.9', 'Python newest', 'JavaScript 1.15.0', 'JavaScript 2.0.0'];

const excuses = JSON.parse(readFileSync(path.join(HERE, '../parity/unread-on-purpose.json'), 'utf8'));
const methods = JSON.parse(readFileSync(path.join(HERE, 'methods.json'), 'utf8'));

const { peerDependencies, devDependencies } = JSON.parse(readFileSync(path.join(HERE, '../../package.json'), 'utf8'));

/** The package managers of test/projects. */
const INSTALLERS = [
  'npm',
  `Yarn ${VERSIONS.yarn}`,
  `Yarn ${VERSIONS.berry}, node_modules`,
  `Yarn ${VERSIONS.berry}, Plug'n'Play`,
  `pnpm ${VERSIONS.pnpm}`,
  `bun ${VERSIONS.bun}`,
];

/** Only Yarn 1 refuses packages because of the Node version that they declare. */
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

The methods of the official SDKs that work with this server, and the number of passing tests that called the
method of the real client against a running server. \`npm run compatibility\` writes this page from
the results of the suites. The pipeline fails when the page claims clearly more than the suites have shown, and when a method has no test.

"–": this version has no such method. "no": the server does not support it yet: ${missing.join(', ')}.
Newest version when the page was written: Python ${newest}. 

\`test/parity\` shows that the server reads every parameter of these methods: it derives them from the types of the SDKs.
These are ignored on purpose:

${excuses.map(({ shown, because }) => `- ${shown}: ${because}.`).join('\n')}

${table(['method', 'requests', ...COLUMNS], matrix)}

## Other clients

${table(
  ['client', 'tests'],
  others.map((client) => [client, String(results.filter((result) => result.client === client).length)]),
)}

## Versions

The packages of the project that Nestgraph uses. \`test/e2e/peers.spec.ts\` tests the oldest versions; Nestgraph does not start with older ones. All other suites test the newest.

${table(
  ['package', 'oldest', 'newest tested'],
  Object.entries(peerDependencies).map(([name, range]) => [
    `\`${name}\``,
    range.replace('^', ''),
    devDependencies[name],
  ]),
)}

Package managers that install the package. \`NESTGRAPH_PROJECTS=all npm run test:projects\` installs it with each of them on the oldest
Node of each line, and starts it.

${table(
  ['package manager', ...NODES.map(({ oldest }) => `Node ${oldest}`)],
  INSTALLERS.map((installer) => [installer, ...NODES.map(({ oldest }) => installed(installer, oldest))]),
)}

TypeORM declares these versions as the oldest that it supports. \`file-type\`, \`content-disposition\` and \`cookie\`, dependencies of NestJS and
Fastify, declare Node 22; the parts that Nestgraph uses work on Node 20. Yarn 1 refuses such packages, the other package
managers install them:

\`\`\`sh
yarn add --dev nestgraph --ignore-engines   # Yarn 1 on Node 20 only
\`\`\`

A later \`yarn install\` there needs \`--ignore-engines\` too, or the line \`ignore-engines true\` in \`.yarnrc\`.

\`npx nestgraph dev\` works without an installation, too. It uses the LangGraph of the project, or its own when the project has none.
`;
}

const tableLines = (text) => text.split('\n').filter((one) => one.startsWith('|'));

/** The number of some calls depends on timing: a client that sees the end of a run does not poll again. */
const isShown = (claimed, measured) => measured > 0 && measured >= Math.floor(claimed * 0.9);

/** Claims of the existing page that the results do not show. */
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
  problems.push(...claims.map((one) => `docs/compatibility.md claims more than was shown: ${one}`));
} else {
  writeFileSync(FILE, shown);
}
problems.forEach((problem) => console.error(problem));
process.exitCode = problems.length > 0 ? 1 : 0;
