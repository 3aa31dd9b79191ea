// The most expensive bodies within the limits of bytes, values and depth, for each route with a body.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const ID = '0192f0c1-0000-7000-8000-00000000dead';
/** Nesting below the limit of 1,000 levels. */
const DEPTH = 900;
/** The size of the rest of a body. */
const FRAME_BYTES = 10_000;
const FRAME_VALUES = 1_000;

/** Placeholder for the expensive part of a template. */
const FILL = '\u2603';
const HOLE = JSON.stringify(FILL);

/** By shape: JSON within `values` and `bytes`. Objects, because fields of any JSON accept objects, too. */
const FILLINGS = {
  'empty objects': ({ values }) => list('{}', values),
  'empty lists': ({ values }) => list('[]', values),
  'empty strings': ({ values }) => list('""', values),
  numbers: ({ values, bytes }) => list('9'.repeat(Math.min(17, Math.floor(bytes / values) - 1)), values),
  'a thousand keys': () => `{${repeat(1_000, (at) => `"key ${at}":0`)}}`,
  keys: ({ values }) => `{${repeat(values - 1, (at) => `"key ${at}":0`)}}`,
  'long strings': ({ values, bytes }) => list(JSON.stringify('"\n\u00e9x'.repeat((bytes / values - 3) / 8)), values),
  'one string': ({ bytes }) => `{"a":"${'x'.repeat(bytes - 8)}"}`,
  'one string of escapes': ({ bytes }) => `{"a":"${'\\"'.repeat((bytes - 8) / 2)}"}`,
  'deep lists': ({ values }) => list('['.repeat(DEPTH) + ']'.repeat(DEPTH), values / DEPTH),
  'deep objects': ({ values }) => list('{"a":'.repeat(DEPTH) + '0' + '}'.repeat(DEPTH), values / (DEPTH + 1)),
};

const repeat = (count, text) => Array.from({ length: count }, (_, at) => text(at)).join(',');
const list = (item, count) => `{"a":[${repeat(Math.max(1, Math.floor(count) - 2), () => item)}]}`;

const messages = (item) => ({ assistant_id: 'echo', input: { messages: item } });
const RUN = [
  { assistant_id: 'steps10', input: { payload: FILL } },
  { assistant_id: 'echo', input: { messages: [{ role: 'user', content: '', additional_kwargs: FILL }] } },
  { assistant_id: 'steps10', input: {}, metadata: FILL },
  { assistant_id: 'steps10', input: {}, context: FILL },
  { assistant_id: 'steps10', input: {}, config: { configurable: FILL } },
  { assistant_id: 'steps10', input: {}, config: { other: FILL } },
  { assistant_id: 'steps10', command: { update: { payload: FILL } } },
  { assistant_id: 'steps10', input: {}, ignored: FILL },
];
const FILTER = [{ metadata: FILL }, { ignored: FILL }];
const CRON = RUN.map((run) => ({ schedule: '0 0 1 1 *', ...run }));
const ids = (field, count) => ({ [field]: Array(count).fill(ID) });
const times = (count, item) => Array(count).fill(item);

/** Templates by route. Every route of the document must be listed. */
const TEMPLATES = {
  'POST /assistants': [
    { graph_id: 'echo', metadata: FILL },
    { graph_id: 'echo', config: { configurable: FILL } },
    { graph_id: 'echo', context: FILL },
    { ignored: FILL },
  ],
  'POST /assistants/search': FILTER,
  'POST /assistants/count': FILTER,
  'PATCH /assistants/{assistant_id}': [{ metadata: FILL }, { config: { configurable: FILL } }, { context: FILL }],
  'POST /assistants/{assistant_id}/versions': FILTER,
  'POST /assistants/{assistant_id}/latest': [{ version: 1, ignored: FILL }],
  'POST /threads/prune': [ids('thread_ids', 10_000), { ignored: FILL }],
  'POST /threads': [
    { metadata: FILL },
    { metadata: { graph_id: 'steps10' }, supersteps: [{ updates: [{ values: { payload: FILL }, as_node: 'n1' }] }] },
    {
      metadata: { graph_id: 'echo' },
      supersteps: [{ updates: times(1_000, { values: { messages: 'a' }, as_node: 'echo' }) }],
    },
    {
      metadata: { graph_id: 'echo' },
      supersteps: times(300, { updates: [{ values: { messages: 'a' }, as_node: 'echo' }] }),
    },
  ],
  'POST /threads/search': [...FILTER, { values: FILL }, ids('ids', 10_000)],
  'POST /threads/count': [...FILTER, { values: FILL }],
  'PATCH /threads/{thread_id}': [{ metadata: FILL }],
  'POST /threads/{thread_id}/state': [
    { values: { payload: FILL }, as_node: 'n1' },
    { values: times(1_000, { payload: 'a' }), as_node: 'n1' },
    { values: null, checkpoint: { checkpoint_map: FILL } },
  ],
  'PATCH /threads/{thread_id}/state': [{ metadata: FILL }],
  'POST /threads/{thread_id}/state/checkpoint': [{ checkpoint: { checkpoint_map: FILL } }],
  'POST /threads/{thread_id}/history': [{ metadata: FILL }, { before: FILL }],
  'POST /threads/{thread_id}/runs': RUN,
  'POST /threads/{thread_id}/runs/stream': RUN,
  'POST /threads/{thread_id}/runs/wait': RUN,
  'POST /runs': RUN,
  'POST /runs/stream': RUN,
  'POST /runs/wait': [...RUN, messages(times(10_000, 'a')), messages(times(10_000, ['user', 'a']))],
  'POST /runs/batch': [...RUN.map((run) => [run]), times(1_000, RUN[2]).map((run) => ({ ...run, metadata: {} }))],
  'POST /runs/cancel': [{ thread_id: ID, ...ids('run_ids', 10_000) }, { ignored: FILL }],
  'PUT /store/items': [
    { namespace: ['a'], key: 'a', value: FILL },
    { namespace: ['a'], key: 'a', value: { text: FILL } },
  ],
  'DELETE /store/items': [{ namespace: ['a'], key: 'a', ignored: FILL }],
  'POST /store/items/search': [{ namespace_prefix: [], filter: FILL }],
  'POST /store/namespaces': [{ ignored: FILL }],
  'POST /threads/{thread_id}/runs/crons': CRON,
  'POST /runs/crons': CRON,
  'POST /runs/crons/search': FILTER,
  'POST /runs/crons/count': FILTER,
  'PATCH /runs/crons/{cron_id}': CRON,
};

const DOCUMENT = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../openapi.json'), 'utf8'));
const ROUTES = Object.entries(DOCUMENT.paths).flatMap(([address, operations]) =>
  Object.entries(operations).flatMap(([method, { requestBody }]) =>
    requestBody ? [`${method.toUpperCase()} ${address}`] : [],
  ),
);

/** All routes with a body, as `METHOD /path`. */
export function routesWithBodies() {
  const missing = ROUTES.filter((route) => !(route in TEMPLATES));
  if (missing.length > 0) {
    throw new Error(`no bodies for ${missing.join(', ')}`);
  }
  return ROUTES;
}

/** The expensive bodies of a route, as strings. */
export function* costlyBodies(route, limits) {
  const room = { values: limits.values - FRAME_VALUES, bytes: limits.bytes - FRAME_BYTES };
  for (const template of TEMPLATES[route]) {
    const text = JSON.stringify(template);
    if (!text.includes(HOLE)) {
      yield { shape: 'long lists', at: Object.keys(template).join(), text: () => text };
      continue;
    }
    for (const [shape, filling] of Object.entries(FILLINGS)) {
      yield { shape, at: placeIn(template), text: () => text.replace(HOLE, () => filling(room)) };
    }
  }
}

/** The path of the placeholder in a template. */
const placeIn = (part) =>
  Object.entries(part)
    .filter(([, value]) => JSON.stringify(value).includes(HOLE))
    .map(([key, value]) => (value === FILL ? key : `${key}.${placeIn(value)}`))
    .join();
