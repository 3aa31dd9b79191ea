// Graphs whose results are easy to get wrong: what `invoke` gives, what the state holds and what waits for a client differ.
import { AIMessage, RemoveMessage, SystemMessage } from '@langchain/core/messages';
import {
  Annotation,
  END,
  entrypoint,
  interrupt,
  MessagesAnnotation,
  Send,
  START,
  StateGraph,
  StateSchema,
  task,
  UntrackedValue,
} from '@langchain/langgraph';
import { z } from 'zod';

const Log = Annotation.Root({
  log: Annotation<string[]>({ reducer: (left, right) => left.concat(right), default: () => [] }),
});

const ask = (name: string) => (): typeof Log.Update => ({ log: [`${name}: ${interrupt<string, string>(name)}`] });

const Question = Annotation.Root({ question: Annotation<string>() });
const Answer = Annotation.Root({ answer: Annotation<string>() });
const All = Annotation.Root({ ...Question.spec, ...Answer.spec, between: Annotation<string>() });

/** Its output is less than its state. */
export const output = new StateGraph({ stateSchema: All, input: Question, output: Answer })
  .addNode('one', ({ question }) => ({ between: `${question}!` }))
  .addNode('two', ({ between }) => ({ answer: `${between}?` }))
  .addEdge(START, 'one')
  .addEdge('one', 'two')
  .addEdge('two', END)
  .compile();

/** Two nodes interrupt side by side; the one beside them finishes, and one that is resumed returns nothing. */
export const parallel = new StateGraph(Log)
  .addNode('x', ask('x'))
  .addNode('y', ask('y'))
  .addNode('quiet', () => {
    interrupt('quiet');
    return {};
  })
  .addNode('beside', () => ({ log: ['beside'] }))
  .addNode('end', () => ({ log: ['end'] }))
  .addEdge(START, 'x')
  .addEdge(START, 'y')
  .addEdge(START, 'quiet')
  .addEdge(START, 'beside')
  .addEdge(['x', 'y', 'quiet', 'beside'], 'end')
  .addEdge('end', END)
  .compile();

/** Tasks of one node, of which those with an even number interrupt. */
export const sends = new StateGraph(Log)
  .addNode('start', () => ({}))
  .addNode('worker', ({ n }: { n: number }) => ({
    log: [n % 2 === 0 ? `${n}: ${interrupt<string, string>(`number ${n}`)}` : `${n}`],
  }))
  .addEdge(START, 'start')
  .addConditionalEdges('start', () => [1, 2, 3, 4].map((n) => new Send('worker', { n })), ['worker'])
  .addEdge('worker', END)
  .compile();

/** Both interrupts are inside a subgraph. */
export const nested = new StateGraph(Log)
  .addNode(
    'inner',
    new StateGraph(Log).addNode('x', ask('x')).addNode('y', ask('y')).addEdge(START, 'x').addEdge(START, 'y').compile(),
  )
  .addEdge(START, 'inner')
  .addEdge('inner', END)
  .compile();

const question = task('question', (name: string) => interrupt<string, string>(name));

/** A workflow of the functional API that interrupts in two tasks. */
export const workflow = entrypoint('workflow', async () => Promise.all([question('x'), question('y')]));

const Tracked = new StateSchema({ kept: z.string(), passing: new UntrackedValue(z.string()) });

/** One value is never stored. */
export const untracked = new StateGraph(Tracked)
  .addNode('work', () => ({ kept: 'kept', passing: 'passing' }))
  .addEdge(START, 'work')
  .addEdge('work', END)
  .compile();

const Form = Annotation.Root({ form: Annotation<object>(), reviewed: Annotation<object>() });

/** What it interrupts with is shown to people, member by member. */
export const form = new StateGraph(Form)
  .addNode('review', ({ form }) => ({ reviewed: interrupt<object, object>(form) }))
  .addEdge(START, 'review')
  .addEdge('review', END)
  .compile();

/** Fails beside a node that finishes. */
export const failing = new StateGraph(Log)
  .addNode('first', () => ({ log: ['first'] }))
  .addNode('beside', () => ({ log: ['beside'] }))
  .addNode('fails', async () => {
    await new Promise((resolve) => setImmediate(resolve));
    throw new RangeError('too far');
  })
  .addEdge(START, 'first')
  .addEdge('first', 'beside')
  .addEdge('first', 'fails')
  .compile();

/** Says that it is at work and then never listens again, unless `later` is in its state; what it has done before is, too. */
export const deaf = new StateGraph(Log)
  .addNode('first', () => ({ log: ['first'] }))
  .addNode('deaf', async ({ log }, { writer }) => {
    if (!log.includes('later')) {
      writer?.('at work');
      await new Promise(() => undefined);
    }
    return {};
  })
  .addEdge(START, 'first')
  .addEdge('first', 'deaf')
  .compile();

const fail = (): never => {
  throw new Error('This field cannot be read.');
};

/** What user code throws when it does not throw an error. */
const THROWN: Record<string, () => unknown> = {
  string: () => 'boom',
  null: () => null,
  number: () => 7,
  object: () => ({ code: 7 }),
  nameless: () => Object.assign(new Error('m'), { name: undefined }),
  speechless: () => Object.assign(new Error(), { message: undefined }),
  structured: () => Object.assign(new Error(), { name: { a: 1 }, message: { b: 2 } }),
  frozen: () => Object.freeze(new RangeError('cold')),
  getters: () => Object.defineProperties(new Error('x'), { name: { get: fail }, message: { get: fail } }),
  proxy: () => new Proxy(new Error('x'), { get: fail, has: fail, getPrototypeOf: fail, ownKeys: fail }),
  nul: () => new Error('a\u0000b'),
};

export const throwing = new StateGraph(Annotation.Root({ kind: Annotation<string>() }))
  .addNode('throws', ({ kind }) => {
    throw THROWN[kind]();
  })
  .addEdge(START, 'throws')
  .compile();

/** A whole system message and, as after a summary, a removal. */
export const messages = new StateGraph(MessagesAnnotation)
  .addNode('instruct', () => ({ messages: [new SystemMessage({ id: 'system', content: 'be short' })] }))
  .addNode('shorten', () => ({
    messages: [new RemoveMessage({ id: '__remove_all__' }), new AIMessage({ id: 'short', content: 'in short' })],
  }))
  .addEdge(START, 'instruct')
  .addEdge('instruct', 'shorten')
  .addEdge('shorten', END)
  .compile();
