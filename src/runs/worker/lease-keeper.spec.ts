import { describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { onFatalError } from '../../common/index.js';
import type { NestgraphConfig } from '../../config/index.js';
import { LeaseKeeper } from './lease-keeper.js';

Logger.overrideLogger(false);

/** Beside the sources lies no compiled thread: each one that is started fails. */
function newKeeper(): LeaseKeeper {
  const database = { uri: 'postgres://nowhere', location: '', stop: () => Promise.resolve() };
  const config = { queue: { lease_ms: 1_000, heartbeat_ms: 100 } } as NestgraphConfig;
  return new LeaseKeeper(database, config);
}

describe('a thread of leases that fails each time', () => {
  it('is started again a few times, then the process ends with a sentence', async () => {
    const reason = new Promise<string>((resolve) => onFatalError(resolve));
    const keeper = newKeeper();
    keeper.start(() => undefined);
    keeper.hold({ run_id: 'r', lease_token: 't' });
    expect(await reason).toMatch(/^The thread that renews leases failed 5 times: .* The process ends\.$/);
    await keeper.stop();
  }, 20_000);
});
