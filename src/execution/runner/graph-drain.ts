/**
 * Asks a running graph to stop before its next superstep; what LangGraph calls a RunControl. A graph that was stopped
 * throws an error that {@link isDrained} knows, and goes on from its last checkpoint when it is called again.
 */
export class GraphDrain {
  drainRequested = false;
  readonly drainReason = 'shutdown';

  request(): void {
    this.drainRequested = true;
  }
}

/** By its name: graphs bring their own copy of LangGraph. */
export const isDrained = (error: unknown): boolean => error instanceof Error && error.name === 'GraphDrained';
