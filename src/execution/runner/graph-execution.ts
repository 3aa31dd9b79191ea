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

/** A graph that never waits for I/O yields to the event loop after this time. */
const MAX_TURN_MS = 5;

export interface GraphExecutionOptions {
  graph: CompiledGraph;
  /** Graph input, a `Command`, or null to continue from the checkpoint. */
  input: unknown;
  /** With `signal`, `durability`, `context`, `interruptBefore`, ... as LangGraph's `stream` takes them. */
  config: GraphConfig;
  /** Keys of `configurable` that events must not contain. */
  hidden: ReadonlySet<string>;
  run_id: string;
  stream_mode: ReadonlySet<StreamMode>;
  subgraphs: boolean;
  /** Omits updates of tasks that an earlier attempt completed: its readers already have them. */
  skipsCached: boolean;
  emit: Emit;
}

/** The result of a graph that stopped without an error. */
export interface GraphOutcome {
  /** JSON of the last root state; undefined when the graph returned none. */
  values?: string;
  /** The same state before serialization. */
  rawValues?: unknown;
  /** All interrupts of this call; empty at a breakpoint, undefined when the graph ran to its end. */
  interrupts?: GraphInterrupt[];
}

/** Part of a graph's stream: the namespace (empty for the root), the mode, the data. */
type Chunk = readonly [namespace: string[], mode: string, data: unknown];

/**
 * Executes one call of a graph and converts its stream to wire events (contract 3.3, 3.4). Independent of HTTP, the run
 * queue and the database. Errors of the graph are rethrown unchanged; {@link outcome} then returns the results so far.
 */
export class GraphExecution {
  private readonly messages = new AccumulatedMessages();
  private lastValues: unknown;
  private lastValuesJson?: string;
  private interrupts?: GraphInterrupt[];
  private turnEnds = 0;
  /** A part of the stream is being processed, and more parts may be available. */
  private isBusy = false;

  constructor(private readonly options: GraphExecutionOptions) {}

  /** Also throws when the last state or an interrupt cannot be serialized: that is an error of the graph. */
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
      // streamEvents costs nearly twice as much as stream, so it is used only when events are requested.
      const events = graph.streamEvents(input, { ...streamConfig, version: 'v2' });
      return this.consume(events, (event) => this.onRunEvent(event));
    }
    return this.consume(await graph.stream(input, streamConfig), (chunk) => this.onChunk(this.toChunk(chunk)));
  }

  /** Resolves when everything that the graph has produced so far is emitted. */
  async caughtUp(): Promise<void> {
    // Available parts are read within one turn, but processing may yield between two parts.
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

  /** A graph that never waits for I/O runs only microtasks: without this, sockets would be written only at its end. */
  private async takeTurns(): Promise<void> {
    if (performance.now() > this.turnEnds) {
      await nextTurn();
      this.turnEnds = performance.now() + MAX_TURN_MS;
    }
  }

  /** Never throws: after an error, results that cannot be serialized are omitted. */
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
        return this.emitIfRequested('checkpoints', namespace, () => toWireCheckpoint(data, this.options.hidden));
      case 'debug':
        return this.emitIfRequested('debug', namespace, () => toWireDebug(data, this.options.hidden));
      case 'updates':
        return this.options.skipsCached && isCached(data)
          ? undefined
          : this.emitIfRequested(mode, namespace, () => data);
      default:
        return this.emitIfRequested(mode as StreamMode, namespace, () => data);
    }
  }

  private onValues(namespace: string[], data: unknown): void {
    const isRoot = namespace.length === 0;
    const interrupts = interruptsOf(data);
    if (isRoot && interrupts) {
      // Every interrupted task has its own event.
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

  private emitIfRequested(mode: StreamMode, namespace: string[], data: () => unknown): void {
    if (this.options.stream_mode.has(mode)) {
      this.options.emit(named(mode, namespace), toWireJson(data()));
    }
  }
}

/** Event names of a subgraph end with its path (contract 3.4). */
const named = (event: string, namespace: string[]): string =>
  namespace.length === 0 ? event : `${event}|${namespace.join('|')}`;

/** LangGraph marks updates that it restores from a checkpoint instead of executing the task again. */
const isCached = (update: unknown): boolean =>
  isObject(update) && isObject(update.__metadata__) && update.__metadata__.cached === true;

const interruptsOf = (data: unknown): GraphInterrupt[] | undefined =>
  typeof data === 'object' && data !== null && '__interrupt__' in data
    ? (data.__interrupt__ as GraphInterrupt[])
    : undefined;
