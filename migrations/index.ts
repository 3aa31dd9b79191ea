import { FirstLight1763800000000 } from './1763800000000-first-light.js';
import { Checkpoints1763800000001 } from './1763800000001-checkpoints.js';
import { EventLog1763900000000 } from './1763900000000-event-log.js';
import { EventLogEpochs1763910000000 } from './1763910000000-event-log-epochs.js';
import { Webhooks1763920000000 } from './1763920000000-webhooks.js';
import { RunCallers1764000000000 } from './1764000000000-run-callers.js';
import { RunWishes1764100000000 } from './1764100000000-run-wishes.js';
import { ThreadTtl1764200000000 } from './1764200000000-thread-ttl.js';
import { Search1764250000000 } from './1764250000000-search.js';
import { Store1764300000000 } from './1764300000000-store.js';
import { Crons1764310000000 } from './1764310000000-crons.js';
import { WaitingRuns1764350000000 } from './1764350000000-waiting-runs.js';
import { CronCallers1764400000000 } from './1764400000000-cron-callers.js';
import { CanonicalIds1764510000000 } from './1764510000000-canonical-ids.js';
import { WebhookCallers1764540000000 } from './1764540000000-webhook-callers.js';
import { CallerTurns1764541000000 } from './1764541000000-caller-turns.js';
import { RunReleases1764550000000 } from './1764550000000-run-releases.js';
import { OrderedThreadState1764600000000 } from './1764600000000-ordered-thread-state.js';

/** All migrations, oldest first. A released one is never edited. */
export const migrations = [
  FirstLight1763800000000,
  Checkpoints1763800000001,
  EventLog1763900000000,
  EventLogEpochs1763910000000,
  Webhooks1763920000000,
  RunCallers1764000000000,
  RunWishes1764100000000,
  ThreadTtl1764200000000,
  Search1764250000000,
  Store1764300000000,
  Crons1764310000000,
  WaitingRuns1764350000000,
  CronCallers1764400000000,
  CanonicalIds1764510000000,
  WebhookCallers1764540000000,
  CallerTurns1764541000000,
  RunReleases1764550000000,
  OrderedThreadState1764600000000,
];
