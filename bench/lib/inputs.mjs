// The inputs of both the server and the floor.

export const HELLO = { messages: [{ role: 'user', content: 'hello' }] };

/** Default number of tokens of the graph `tokens`. */
export const TOKENS = 200;
/** For a run with many readers. */
export const MANY_TOKENS = 1_000;

/** Runs of `steps10` after which a thread has more than 200 checkpoints. */
export const LONG_THREAD_RUNS = 20;

/** A graph that computes beside others: the duration of a computation, and the pause after it. */
export const BLOCK = { busy_ms: 200, pause_ms: 200 };

/** Runs that queue on one thread. */
export const RUNS_PER_THREAD = 5;
