import { createInterface } from 'node:readline';
import type { Cluster } from './cluster.js';
import { stopAbandonedServer } from './release-server.js';

type GuardedCluster = Pick<Cluster, 'location' | 'binaries'>;

/** A message from a Nestgraph process to its guard: one line of JSON. */
export type GuardMessage = { cluster: GuardedCluster } | { dismissed: true };

/*
 * The guard: a separate process that stops PostgreSQL if the Nestgraph process that started the guard ends without doing
 * so: it was killed, it crashed, or it received a second signal. The guard's standard input closes when that process ends,
 * for any reason. The guard ignores signals to a process group, a terminal or a service: that is when its work begins.
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
