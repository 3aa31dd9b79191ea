import * as langgraph from '@langchain/langgraph';
import { readField } from '../../common/index.js';

/** LangGraph's control of one run, which nodes see as `config.control`. */
export interface RunControl {
  requestDrain(reason?: string): void;
  readonly drainRequested: boolean;
  readonly drainReason: string | undefined;
}

/** Not LangGraph's default `shutdown`: a node that requests a drain without a reason must not be taken for this server. */
const SHUTDOWN = 'server shutdown';

/** Versions of LangGraph before 1.4 have no such class, and ignore a control. */
const { RunControl } = langgraph as { RunControl?: new () => RunControl };

/**
 * Stops a graph before its next superstep, with LangGraph's own RunControl. The graph then throws a GraphDrained, and
 * continues from its last checkpoint when it is called again. Its nodes hold the same control and may request a drain
 * too: their request stands, whichever came first.
 */
export class GraphDrain {
  /** Undefined when LangGraph has no such class. */
  readonly control = RunControl && new RunControl();
  private isRequested = false;

  request(): void {
    if (this.control && !this.control.drainRequested) {
      this.isRequested = true;
      this.control.requestDrain(SHUTDOWN);
    }
  }

  /** True for the error of a graph that stopped because of {@link request}, and for no other drain. */
  hasCaused(error: unknown): boolean {
    return this.isRequested && isDrained(error) && readField(error, 'reason') === SHUTDOWN;
  }
}

/** By name and mark: a graph inside a node may come from another copy of LangGraph. */
export const isDrained = (error: unknown): boolean =>
  readField(error, 'name') === 'GraphDrained' && readField(error, 'is_bubble_up') === true;
