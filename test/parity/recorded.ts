/** A request that an SDK has sent. */
export interface Recorded {
  /** Of the SDK: `threads.getState`. */
  by: string;
  method: string;
  path: string;
  /** Names of the query. */
  query: string[];
  /** Names of the headers, in lower case. */
  headers: string[];
  /** Undefined without one. */
  body?: unknown;
}
