// The targets, and the paths of their figures in the result.

const TARGETS = [
  { what: 'wait, c32: throughput over floor', at: 'wait.c32.ratio.throughput', least: 0.6 },
  { what: 'steps10, c8: throughput over floor', at: 'steps.run_c8.ratio.throughput', least: 0.6 },
  { what: 'tokens, 100 streams: tokens/s over floor', at: 'tokens.c100.ratio.tokens', least: 0.7 },
  { what: 'first event, c1: ms added', at: 'tokens.c1.ratio.first_event_added_p50_ms', most: 5 },
  { what: 'first token, c1: ms added', at: 'tokens.c1.ratio.first_token_added_p50_ms', most: 5 },
  { what: 'start in another process, c1: median ms', at: 'background.c1.server.answer_to_start.p50_ms', most: 5 },
  { what: 'cancel to signal, same process: max ms', at: 'cancel.same_process.to_signal.max_ms', most: 100 },
  { what: 'cancel to signal, other process: max ms', at: 'cancel.other_process.to_signal.max_ms', most: 1_000 },
  { what: 'search by metadata, 300,000 threads over 1,000: p50', at: 'threads.ratio.by_metadata', most: 3 },
  {
    what: 'search by metadata, 300,000 threads: ms in the database',
    at: 'threads.n300000.by_metadata.database_ms',
    most: 5,
  },
  { what: 'search by status, 300,000 threads over 1,000: p50', at: 'threads.ratio.by_status', most: 3 },
  { what: 'newest threads, 300,000 over 1,000: p50', at: 'threads.ratio.newest', most: 3 },
  { what: 'count of threads, 300,000 over 1,000: p50', at: 'threads.ratio.count', most: 3 },
  { what: 'copy of a thread with 1,000 checkpoints: max ms', at: 'threads.copy_1000_checkpoints.max_ms', most: 1_000 },
  { what: 'memory settles within 20 % after 1,000 runs', at: 'backlog.memory.within_20_percent', is: true },
  { what: 'store, recall@10 of 100 queries: all ten found', at: 'store.recall.perfect', least: 95 },
  {
    what: 'store, 1,000,000 items: search below a prefix, median ms',
    at: 'store.search_prefix.1000000.p50_ms',
    most: 10,
  },
];

/** The targets of the measured scenarios, and whether they were met. */
export function checkTargets(scenarios) {
  return TARGETS.flatMap(({ what, at, ...wanted }) => {
    const got = at.split('.').reduce((part, name) => part?.[name], scenarios);
    return got === undefined ? [] : [{ what, got, ...wanted, met: isMet(got, wanted) }];
  });
}

const isMet = (got, { least = -Infinity, most = Infinity, is = got }) => got === is && got >= least && got <= most;

/** Human-readable. */
export const targetLine = ({ what, got, least, most, is, met }) => {
  const wanted = least !== undefined ? `at least ${least}` : most !== undefined ? `at most ${most}` : String(is);
  return `${met ? 'met   ' : 'MISSED'}  ${what}: ${got} (${wanted})`;
};
