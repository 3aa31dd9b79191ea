import { FirstLight1763800000000 } from './1763800000000-first-light.js';
import { Checkpoints1763800000001 } from './1763800000001-checkpoints.js';
import { EventLog1763900000000 } from './1763900000000-event-log.js';
import { EventLogChecks1763910000000 } from './1763910000000-event-log-checks.js';

/** All migrations, oldest first. A released one is never edited. */
export const migrations = [
  FirstLight1763800000000,
  Checkpoints1763800000001,
  EventLog1763900000000,
  EventLogChecks1763910000000,
];
