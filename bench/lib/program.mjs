// Shared code of the programs of the bench.

/** From `NAME=VALUE` as given on the command line. */
export const environmentOf = (pairs) => Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s, 2)));

/** Ctrl-C leaves no server, database or folder behind. */
export function stopOnSignal(stop) {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => void stop().finally(() => process.exit(1)));
  }
}
