import { parentPort, workerData } from 'node:worker_threads';
import pg from 'pg';
import { type HeldLease, renewLeases } from '../queue/renew-leases.js';

/** The `workerData` of the thread. */
export interface LeaseThreadData {
  uri: string;
  application_name: string;
  lease_ms: number;
  heartbeat_ms: number;
}

/** Messages of the main thread. A lease is dropped by its token. */
export type LeaseThreadMessage = { hold: HeldLease } | { drop: string } | { stop: true };

/** Milliseconds between retries of a failed renewal. */
const RETRY_INTERVAL_MS = 1_000;

const { uri, application_name, lease_ms, heartbeat_ms } = workerData as LeaseThreadData;
const held = new Map<string, HeldLease>();
let client: pg.Client | undefined;

parentPort!.on('message', (message: LeaseThreadMessage) => {
  if ('hold' in message) {
    held.set(message.hold.lease_token, message.hold);
  } else if ('drop' in message) {
    held.delete(message.drop);
  } else {
    void client?.end().catch(() => undefined);
    // A connection attempt in progress would keep the thread alive, and with it the process that waits for its exit.
    process.exit();
  }
});

setTimeout(() => void beatAgain(), heartbeat_ms);

/** The heartbeat. Retries sooner after a lost connection or a locked run: leases may be about to expire. */
async function beatAgain(): Promise<void> {
  const delay = (await beat()) ? heartbeat_ms : Math.min(RETRY_INTERVAL_MS, heartbeat_ms);
  setTimeout(() => void beatAgain(), delay);
}

/** Renews all held leases. False when some could not be renewed. */
async function beat(): Promise<boolean> {
  const leases = [...held.values()];
  if (leases.length === 0) {
    return true;
  }
  try {
    const renewal = await renewLeases(await connected(), leases, lease_ms);
    const lost = leases.filter(({ lease_token }) => !renewal.held.has(lease_token));
    // A run that ended during the statement has been dropped; its lease is not lost.
    parentPort!.postMessage(lost.filter(({ lease_token }) => held.delete(lease_token)));
    return renewal.locked.size === 0;
  } catch {
    void client?.end().catch(() => undefined);
    client = undefined;
    return false;
  }
}

async function connected(): Promise<pg.Client> {
  if (!client) {
    const fresh = new pg.Client({ connectionString: uri, application_name });
    fresh.on('error', () => {
      client = undefined;
    });
    await fresh.connect();
    client = fresh;
  }
  return client;
}
