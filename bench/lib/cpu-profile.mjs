// Reads V8 CPU profiles and reports where the time was spent.
import { readFileSync } from 'node:fs';

const IDLE = '(idle)';
const PROBE = /\blib\/probe\.mjs:/;
const NATIVE = 'native code and the kernel';
/** Packages by group. */
const GROUPS = [
  ['pg', /^(pg|pg-.*|postgres-.*|pgpass)$/],
  ['typeorm', /^typeorm$/],
  ['validation', /^(class-validator|class-transformer|libphonenumber-js|validator)$/],
  [
    'fastify and nest',
    /^(fastify|@fastify\/.*|@nestjs\/.*|find-my-way|avvio|light-my-request|fast-.*|secure-json-parse|rxjs|reflect-metadata)$/,
  ],
  ['langgraph and langchain', /^(@langchain\/.*|langsmith|zod|p-queue|p-retry|uuid|eventemitter3)$/],
];

/** @returns shares of the busy time by group and by function, and with everything that was called by our functions */
export function readProfile(file) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8'));
  const byId = new Map(nodes.map((node) => [node.id, { ...node, ...describe(node.callFrame), us: 0 }]));
  samples.forEach((id, index) => (byId.get(id).us += timeDeltas[index]));
  for (const node of byId.values()) {
    node.children?.forEach((id) => (byId.get(id).parent = node));
  }
  // The cost of the profiler itself is excluded.
  const all = [...byId.values()].filter((node) => !stackOf(node).some(({ name }) => PROBE.test(name)));
  const total = sumOf(all);
  const busy = all.filter(({ name }) => name !== IDLE);
  return {
    busy_ms: sumOf(busy) / 1000,
    busy_share: sumOf(busy) / total,
    groups: shares(busy, ({ group }) => [group]),
    callers: shares(busy, (node) => [
      (stackOf(node).find(({ group }) => group !== NATIVE && group !== 'node') ?? node).group,
    ]),
    functions: shares(busy, ({ name, group }) => [`${name}  [${group}]`]),
    inclusive: shares(busy, (node) =>
      stackOf(node)
        .filter(({ group }) => group.startsWith('ours'))
        .map(({ name }) => name),
    ),
  };
}

function describe({ functionName, url, lineNumber }) {
  if (functionName.startsWith('(') && url === '') {
    const group = { '(program)': NATIVE, '(garbage collector)': 'garbage collection' };
    return { name: functionName, group: group[functionName] ?? functionName };
  }
  const file = shortened(url);
  return { name: `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`, group: groupOf(url, file) };
}

function shortened(url) {
  const after = (part) => url.slice(url.lastIndexOf(part) + part.length);
  if (url.includes('/node_modules/')) {
    return after('/node_modules/');
  }
  return url.includes('/dist/src/') ? after('/dist/') : url.split('/').slice(-2).join('/');
}

function groupOf(url, file) {
  if (url === '') {
    return NATIVE;
  }
  if (url.startsWith('node:')) {
    return 'node';
  }
  if (url.includes('/.nestgraph/')) {
    return 'graphs';
  }
  const [first, second] = file.split('/');
  if (!url.includes('/node_modules/')) {
    return first === 'src' ? `ours: ${second}` : 'ours';
  }
  const name = first.startsWith('@') ? `${first}/${second}` : first;
  return GROUPS.find(([, names]) => names.test(name))?.[0] ?? name;
}

/** A node and its callers, innermost first; a recursive function occurs once. */
function stackOf(node) {
  const stack = new Map();
  for (let at = node; at; at = at.parent) {
    if (!stack.has(at.name)) {
      stack.set(at.name, at);
    }
  }
  return [...stack.values()];
}

/** Time by key in descending order, each with its share. */
function shares(nodes, keysOf) {
  const times = new Map();
  for (const node of nodes) {
    for (const key of keysOf(node)) {
      times.set(key, (times.get(key) ?? 0) + node.us);
    }
  }
  const total = sumOf(nodes);
  return [...times].map(([key, us]) => ({ key, ms: us / 1000, share: us / total })).sort((a, b) => b.ms - a.ms);
}

const sumOf = (nodes) => nodes.reduce((sum, { us }) => sum + us, 0);
