// What the server and the floor are both asked to do.

export const HELLO = { messages: [{ role: 'user', content: 'hello' }] };

/** Tokens of a stream of the graph `tokens`, unless it is asked for more. */
export const TOKENS = 200;
/** For one run that has many readers. */
export const MANY_TOKENS = 1_000;

/** Runs of `steps10` after which a thread has more than 200 checkpoints. */
export const LONG_THREAD_RUNS = 20;

/** A graph that computes beside others: how long at a time, and how long it rests. */
export const BLOCK = { busy_ms: 200, pause_ms: 200 };

/** Runs that queue on one thread. */
export const RUNS_PER_THREAD = 5;
