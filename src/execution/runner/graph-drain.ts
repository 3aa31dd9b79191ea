import * as langgraph from '@langchain/langgraph';
import { readField } from '../../common/index.js';

/** LangGraph's control object of one run, which nodes see as `config.control`. */
export interface RunControl {
  requestDrain(reason?: string): void;
  readonly drainRequested: boolean;
  readonly drainReason: string | undefined;
}

/** Not LangGraph's default `shutdown`: a node that requests a drain without a reason must not be taken for this server. */
const SHUTDOWN = 'server shutdown';

/** LangGraph before 1.4 has no such class and ignores a control. */
const { RunControl } = langgraph as { RunControl?: new () => RunControl };

/**
 * Stops a graph before its next superstep with LangGraph's RunControl. The graph then throws a GraphDrained and continues
 * from its last checkpoint at the next call. Its nodes have the same control and may request a drain too. Their request
 * takes precedence, whichever came first.
 */
export class GraphDrain {
  /** Undefined when this version of LangGraph has no RunControl. */
  readonly control = RunControl && new RunControl();
  private isRequested = false;

  request(): void {
    if (this.control && !this.control.drainRequested) {
      this.isRequested = true;
      this.control.requestDrain(SHUTDOWN);
    }
  }

  /** True for the GraphDrained that {@link request} caused, and for no other drain. */
  hasCaused(error: unknown): boolean {
    return this.isRequested && isDrained(error) && readField(error, 'reason') === SHUTDOWN;
  }
}

/** Checks name and marker, not the class: a graph inside a node may use another copy of LangGraph. */
export const isDrained = (error: unknown): boolean =>
  readField(error, 'name') === 'GraphDrained' && readField(error, 'is_bubble_up') === true;
