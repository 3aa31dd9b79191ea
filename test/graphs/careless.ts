// Fails where nothing awaits it, in the way that its input names, and comes to its own end all the same. Its factory fails so,
// too, when the config says it.
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Annotation, END, START, StateGraph, type LangGraphRunnableConfig } from '@langchain/langgraph';

const State = Annotation.Root({ how: Annotation<keyof typeof failures>(), done: Annotation<string>() });

const later = (fail: () => void): void => void setTimeout(fail, 5);

const fail = (): never => {
  throw new Error('careless', { cause: new Error('nothing awaits this') });
};

/** Rejections need no error. */
const nothing: Error = undefined as never;

/** Every way of reading it throws. */
const unreadable = (): Error => new Proxy(new Error(), { get: fail, getPrototypeOf: fail, ownKeys: fail });

const failures = {
  'a rejection': () => void Promise.reject(new Error('careless', { cause: new Error('nothing awaits this') })),
  'a rejected function': () => void sleep(5).then(fail),
  'an exception in a timer': () => later(fail),
  'an emitter': () => later(() => new EventEmitter().emit('error', new Error('careless'))),
  'a stream': () => {
    const stream = new Readable({ read: () => void stream.destroy(new Error('careless')) });
    stream.resume();
  },
  'a listener of a signal': () => {
    const controller = new AbortController();
    controller.signal.addEventListener('abort', fail);
    controller.abort();
  },
  'a thread': () => void new Worker('throw new Error("careless")', { eval: true }),
  'a rejection with nothing': () => void Promise.reject(nothing),
  'a rejection that cannot be read': () => void Promise.reject(unreadable()),
  'a flood': () => {
    for (let count = 1; count <= 2_000; count += 1) {
      setImmediate(fail);
    }
  },
};

const careless = new StateGraph(State)
  .addNode('work', async ({ how }) => {
    failures[how]();
    await sleep(50);
    return { done: how };
  })
  .addEdge(START, 'work')
  .addEdge('work', END)
  .compile();

export function graph({ configurable }: LangGraphRunnableConfig) {
  if (configurable?.careless_factory) {
    failures['a rejection']();
  }
  return careless;
}
