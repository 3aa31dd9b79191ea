import { createInterface } from 'node:readline';
import type { Cluster } from './cluster.js';
import { stopAbandonedServer } from './leaving.js';

type GuardedCluster = Pick<Cluster, 'location' | 'binaries'>;

/** What a Nestgraph process tells its guard, one line of JSON each. */
export type GuardMessage = { cluster: GuardedCluster } | { dismissed: true };

/*
 * The guard: a process of its own, which stops PostgreSQL when the Nestgraph process that has started the guard ends
 * without doing so: it was killed, crashed, or was stopped twice. Its standard input ends with that process, however that
 * ends. Signals for a process group, a terminal or a service do not end the guard, because its work begins then.
 */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => undefined);
}

let cluster: GuardedCluster | undefined;
let isDismissed = false;
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as GuardMessage;
  if ('dismissed' in message) {
    isDismissed = true;
  } else {
    ({ cluster } = message);
  }
}
if (cluster && !isDismissed) {
  await stopAbandonedServer(cluster);
}
