import fc from 'fast-check';
import { Ref, type Value } from './json.js';
import type { Kind } from './places.js';
import { SPELLINGS } from './spellings.js';

/** Graphs of the project of this suite. */
export const GRAPHS = ['echo', 'steps', 'ask', 'nested', 'failing', 'settings', 'parallel', 'tokens', 'dynamic'];
const NODES = ['echo', 'one', 'two', 'ask', 'finish', 'child', 'inner', '__start__', '__end__', '__input__', '*'];
const MODES = ['values', 'messages', 'messages-tuple', 'updates', 'events', 'tasks', 'checkpoints', 'debug', 'custom'];

const oneOf = (...values: Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values);

/** An existing id: mostly one that belongs to the rest of the request. */
const ref = (kind: Kind): fc.Arbitrary<Value> =>
  fc
    .tuple(
      fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(50) }),
      fc.oneof(
        { weight: 3, arbitrary: fc.constant(SPELLINGS[0]) },
        { weight: 1, arbitrary: fc.constantFrom(...SPELLINGS) },
      ),
    )
    .map(([away, spelling]) => new Ref(kind, away, spelling));

const listOf = (item: fc.Arbitrary<Value>): fc.Arbitrary<Value> => fc.array(item, { maxLength: 3 });

const checkpoint = fc.record(
  { thread_id: ref('thread_id'), checkpoint_id: ref('checkpoint_id'), checkpoint_ns: ref('checkpoint_ns') },
  { requiredKeys: [] },
);

const input = oneOf(
  {},
  null,
  { messages: [{ role: 'user', content: 'Hello' }] },
  { path: ['x'] },
  { question: 'why?' },
  { messages: 'Hello' },
);

const object = fc.dictionary(fc.constantFrom('a', 'owner', 'graph_id', 'source', 'lang'), fc.constantFrom<Value>(1, 'x', null, { b: [1] }), { maxKeys: 2 }); // prettier-ignore

/** Settings besides ids, which the server resolves. */
const configurable = fc.oneof(
  { weight: 3, arbitrary: object },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        thread_id: ref('thread_id'),
        run_id: ref('run_id'),
        assistant_id: ref('assistant_id'),
        checkpoint_id: ref('checkpoint_id'),
      },
      { requiredKeys: [] },
    ),
  },
);

/** Accepted values by field name, so that requests reach deeper code. */
const WORDS: Record<string, fc.Arbitrary<Value>> = {
  thread_id: ref('thread_id'),
  thread_ids: listOf(ref('thread_id')),
  ids: listOf(ref('thread_id')),
  run_id: ref('run_id'),
  run_ids: listOf(ref('run_id')),
  cron_id: ref('cron_id'),
  assistant_id: fc.oneof({ weight: 4, arbitrary: oneOf(...GRAPHS) }, { weight: 1, arbitrary: ref('assistant_id') }),
  graph_id: oneOf(...GRAPHS),
  checkpoint_id: ref('checkpoint_id'),
  checkpoint_ns: ref('checkpoint_ns'),
  checkpoint,
  before: fc.oneof(ref('checkpoint_id'), checkpoint, fc.record({ configurable: checkpoint })),
  input,
  values: fc.oneof(input, oneOf([{ path: ['y'] }], { answer: 'yes' })),
  as_node: oneOf(...NODES),
  interrupt_before: fc.oneof(oneOf('*'), listOf(oneOf(...NODES))),
  interrupt_after: fc.oneof(oneOf('*'), listOf(oneOf(...NODES))),
  command: oneOf({ resume: 'yes' }, { goto: 'two' }, { update: { path: ['z'] } }, { resume: { x: 1 }, goto: ['one'] }),
  metadata: fc.oneof(
    { weight: 3, arbitrary: object },
    { weight: 1, arbitrary: fc.record({ assistant_id: ref('assistant_id') }) },
  ),
  context: object,
  configurable,
  config: fc.record({ tags: oneOf(['t']), recursion_limit: oneOf(5, 25), configurable }, { requiredKeys: [] }),
  extract: oneOf({ last: 'values.messages[-1].content' }, { all: 'values', id: 'thread_id' }),
  namespace: oneOf('child', 'child|inner', 'fuzz', 'memories', ['fuzz', 'memories']),
  prefix: oneOf(['fuzz'], ['*'], []),
  namespace_prefix: oneOf(['fuzz'], []),
  suffix: oneOf(['memories'], []),
  key: oneOf('a', 'b', 'c'),
  value: oneOf({ text: 'x' }, { a: { b: 1 } }),
  filter: oneOf({ text: 'x' }, { a: { $gte: 1 } }, {}),
  query: oneOf('hello'),
  index: oneOf(false, ['text'], ['a.b']),
  schedule: oneOf('0 9 1 1 *', '0 0 29 2 *'),
  end_time: oneOf('2090-01-01T00:00:00Z'),
  timezone: oneOf('Europe/Berlin', 'UTC'),
  after_seconds: oneOf(0, 0.01, 3600),
  ttl: oneOf(60, { ttl: 5, strategy: 'delete' }, { ttl: 5, strategy: 'keep_latest' }),
  webhook: oneOf('/threads', 'https://127.0.0.1/hook', 'ftp://x'),
  on_completion: oneOf('delete', 'keep'),
  version: oneOf(1, 2),
  supersteps: oneOf([], [{ updates: [{ values: { path: ['s'] }, as_node: '__input__' }] }, { updates: [{ values: { path: ['t'] }, as_node: 'one' }] }]), // prettier-ignore
  feedback_keys: oneOf([]),
  langsmith_tracer: oneOf({}, null),
  stream_mode: fc.oneof(oneOf(...MODES), listOf(oneOf(...MODES))),
  stream_modes: listOf(oneOf(...MODES, 'run_modes', 'lifecycle', 'state_update')),
  xray: oneOf(true, false, 0, 1, 2),
  'Last-Event-ID': oneOf('-1', '0', '1', '-', '100'),
  last_event_id: oneOf('-1', '0', '1', '-'),
};

/** Undefined for a field that only its schema describes. */
export const meaningOf = (name: string): fc.Arbitrary<Value> | undefined =>
  Object.hasOwn(WORDS, name) ? WORDS[name] : undefined;
