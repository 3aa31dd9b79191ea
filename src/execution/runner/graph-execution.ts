import { setImmediate as nextTurn } from 'node:timers/promises';
import { isObject, toWireJson } from '../../common/index.js';
import type { CompiledGraph, GraphConfig, GraphInterrupt, GraphRunEvent } from '../graphs/graph.js';
import {
  AccumulatedMessages,
  HIDDEN_TAG,
  isHiddenMessage,
  messageTupleJson,
  type MessageTuple,
} from './message-events.js';
import { readAhead } from './read-ahead.js';
import { type Emit, graphStreamModes, type StreamMode } from './stream-mode.js';
import { SubgraphLifecycle } from './subgraph-lifecycle.js';
import { toWireCheckpoint, toWireDebug } from './wire-events.js';

/** Milliseconds after which a graph that never waits for anything lets others have their turn. */
const TURN_MS = 5;

export interface GraphExecutionOptions {
  graph: CompiledGraph;
  /** Graph input, a `Command`, or null to go on from the checkpoint. */
  input: unknown;
  /** With `signal`, `durability`, `context`, `interruptBefore`, ... as LangGraph's `stream` takes them. */
  config: GraphConfig;
  /** Names in the config's `configurable` that no event shows. */
  hidden: ReadonlySet<string>;
  run_id: string;
  stream_mode: ReadonlySet<StreamMode>;
  subgraphs: boolean;
  /** Updates of tasks that an earlier attempt has carried out are left out: its readers have them. */
  skipsCached: boolean;
  emit: Emit;
}

/** What a graph leaves behind when it has stopped without an error. */
export interface GraphOutcome {
  /** JSON of the last root state; undefined when the graph produced none. */
  values?: string;
  /** The same, as the graph produced it. */
  rawValues?: unknown;
  /** All interrupts of this call; empty at a breakpoint, undefined when the graph did not stop. */
  interrupts?: GraphInterrupt[];
}

/** Part of a graph's stream: the namespace (empty for the root), the mode, the data. */
type Chunk = readonly [namespace: string[], mode: string, data: unknown];

/**
 * One call of a graph, whose stream it turns into wire events (contract 3.3, 3.4). Knows nothing of HTTP, the queue or
 * the database; errors of the graph are thrown as they are, and what came before them is in the outcome.
 */
export class GraphExecution {
  private readonly messages = new AccumulatedMessages();
  private lastValues: unknown;
  private lastValuesJson?: string;
  private interrupts?: GraphInterrupt[];
  private turnEnds = 0;
  /** Part of the stream is being dealt with: there may be more behind it. */
  private isBusy = false;

  constructor(private readonly options: GraphExecutionOptions) {}

  /** A last state or an interrupt that cannot be serialized is an error of the graph, too. */
  async run(): Promise<void> {
    await this.execute();
    this.serializeLast();
    toWireJson(this.interrupts);
  }

  private async execute(): Promise<void> {
    const { graph, input, config, run_id, stream_mode, subgraphs } = this.options;
    await this.takeTurns();
    const streamConfig = {
      ...config,
      ...(stream_mode.has('lifecycle') && { callbacks: this.withLifecycle(config.callbacks) }),
      runId: run_id,
      streamMode: graphStreamModes(stream_mode),
      subgraphs,
    };
    if (stream_mode.has('events')) {
      // streamEvents costs nearly twice as much as stream: only for clients that want its events.
      const events = graph.streamEvents(input, { ...streamConfig, version: 'v2' });
      return this.consume(events, (event) => this.onRunEvent(event));
    }
    return this.consume(await graph.stream(input, streamConfig), (chunk) => this.onChunk(this.toChunk(chunk)));
  }

  /** Resolves when everything that the graph has produced until now has been emitted. */
  async caughtUp(): Promise<void> {
    // What is there is taken within one turn; between two parts of it others may have theirs.
    do {
      await nextTurn();
    } while (this.isBusy);
  }

  private withLifecycle(callbacks: unknown): unknown[] {
    const lifecycle = new SubgraphLifecycle(() => this.caughtUp(), this.options.emit);
    return [...(Array.isArray(callbacks) ? (callbacks as unknown[]) : []), lifecycle];
  }

  private async consume<T>(stream: AsyncIterable<T>, onPart: (part: T) => void): Promise<void> {
    try {
      for await (const part of readAhead(stream)) {
        this.isBusy = true;
        onPart(part);
        await this.takeTurns();
        this.isBusy = false;
      }
    } finally {
      this.isBusy = false;
    }
  }

  /** A graph whose model answers at once runs from promise to promise: sockets would be written to only at its end. */
  private async takeTurns(): Promise<void> {
    if (performance.now() > this.turnEnds) {
      await nextTurn();
      this.turnEnds = performance.now() + TURN_MS;
    }
  }

  /** Never throws: behind an error, what cannot be serialized is left out. */
  outcome(): GraphOutcome {
    try {
      this.serializeLast();
      toWireJson(this.interrupts);
      return { values: this.lastValuesJson, rawValues: this.lastValues, interrupts: this.interrupts };
    } catch {
      return {};
    }
  }

  private serializeLast(): void {
    if (this.lastValues !== undefined) {
      this.lastValuesJson ??= toWireJson(this.lastValues);
    }
  }

  private toChunk(chunk: unknown): Chunk {
    return this.options.subgraphs ? (chunk as Chunk) : ([[], ...(chunk as [string, unknown])] as const);
  }

  private onRunEvent(event: GraphRunEvent): void {
    if (event.event === 'on_chain_stream' && event.run_id === this.options.run_id) {
      this.onChunk(this.toChunk(event.data.chunk));
    } else if (!event.tags?.includes(HIDDEN_TAG)) {
      this.options.emit('events', toWireJson(event));
    }
  }

  private onChunk([namespace, mode, data]: Chunk): void {
    switch (mode) {
      case 'values':
        return this.onValues(namespace, data);
      case 'messages':
        return this.onMessage(namespace, data as MessageTuple);
      case 'checkpoints':
        return this.emitIfAsked('checkpoints', namespace, () => toWireCheckpoint(data, this.options.hidden));
      case 'debug':
        return this.emitIfAsked('debug', namespace, () => toWireDebug(data, this.options.hidden));
      case 'updates':
        return this.options.skipsCached && isCached(data) ? undefined : this.emitIfAsked(mode, namespace, () => data);
      default:
        return this.emitIfAsked(mode as StreamMode, namespace, () => data);
    }
  }

  private onValues(namespace: string[], data: unknown): void {
    const isRoot = namespace.length === 0;
    const interrupts = interruptsOf(data);
    if (isRoot && interrupts) {
      // Every task that interrupts has an event of its own.
      this.interrupts = [...(this.interrupts ?? []), ...interrupts];
    } else if (isRoot) {
      this.lastValues = data;
      this.lastValuesJson = undefined;
    }
    if (this.options.stream_mode.has('values')) {
      const json = toWireJson(data);
      this.options.emit(named('values', namespace), json);
      if (isRoot && !interrupts) {
        this.lastValuesJson = json;
      }
    }
    if (this.options.stream_mode.has('messages')) {
      this.messages.onValues(data, (event, json) => this.options.emit(named(event, namespace), json));
    }
  }

  private onMessage(namespace: string[], tuple: MessageTuple): void {
    const { stream_mode, emit } = this.options;
    if (isHiddenMessage(tuple)) {
      return;
    }
    if (stream_mode.has('messages-tuple')) {
      emit(named('messages', namespace), messageTupleJson(tuple));
    }
    if (stream_mode.has('messages')) {
      this.messages.onMessage(tuple, (event, json) => emit(named(event, namespace), json));
    }
  }

  private emitIfAsked(mode: StreamMode, namespace: string[], data: () => unknown): void {
    if (this.options.stream_mode.has(mode)) {
      this.options.emit(named(mode, namespace), toWireJson(data()));
    }
  }
}

/** Events of a subgraph carry its path behind the name (contract 3.4). */
const named = (event: string, namespace: string[]): string =>
  namespace.length === 0 ? event : `${event}|${namespace.join('|')}`;

/** LangGraph marks what it does not execute again but takes from a checkpoint. */
const isCached = (update: unknown): boolean =>
  isObject(update) && isObject(update.__metadata__) && update.__metadata__.cached === true;

const interruptsOf = (data: unknown): GraphInterrupt[] | undefined =>
  typeof data === 'object' && data !== null && '__interrupt__' in data
    ? (data.__interrupt__ as GraphInterrupt[])
    : undefined;
