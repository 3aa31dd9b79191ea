import { describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { onFatalError } from '../../common/index.js';
import type { NestgraphConfig } from '../../config/index.js';
import { LeaseHeartbeat } from './lease-heartbeat.js';

Logger.overrideLogger(false);

/** There is no compiled thread file beside the sources, so each started thread fails. */
function newKeeper(): LeaseHeartbeat {
  const database = { uri: 'postgres://nowhere', location: '', stop: () => Promise.resolve() };
  const config = { queue: { lease_ms: 1_000, heartbeat_ms: 100 } } as NestgraphConfig;
  return new LeaseHeartbeat(database, config);
}

describe('a lease thread that fails on every start', () => {
  it('is restarted four times, then the process ends with a message', async () => {
    const reason = new Promise<string>((resolve) => onFatalError(resolve));
    const keeper = newKeeper();
    keeper.start(() => undefined);
    keeper.hold({ run_id: 'r', lease_token: 't' });
    expect(await reason).toMatch(/^The lease renewal thread failed 5 times in a row: .* The process ends\.$/);
    await keeper.stop();
  });
});
