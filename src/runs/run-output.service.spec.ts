import { beforeEach, describe, expect, it } from '@jest/globals';
import type { SseBody } from '../http/index.js';
import type { NestgraphConfig } from '../config/index.js';
import type { Notifications } from '../database/index.js';
import { EventStream } from '../streams/index.js';
import { MemoryEventLog } from '../../test/support/memory-event-log.js';
import type { CancelOnDisconnect } from './cancel/cancel-on-disconnect.js';
import { RunOutputService } from './run-output.service.js';
import type { RunFinder } from './queue/run-finder.js';
import { RunResults } from './results/run-results.js';

const nothing = undefined as never;

describe('RunOutputService', () => {
  let log: MemoryEventLog;
  let results: RunResults;
  let events: EventStream;

  beforeEach(() => {
    log = new MemoryEventLog();
    const notifications = {
      publish: () => undefined,
      publishToOthers: () => undefined,
      flushed: () => Promise.resolve(),
    };
    events = new EventStream(log, notifications as unknown as Notifications, {} as NestgraphConfig);
    results = new RunResults(notifications as unknown as Notifications, nothing, events);
  });

  /** Joins a run whose status is read as running. `meanwhile` is called before the read returns. */
  const joinWhile = (meanwhile: () => void): Promise<SseBody> => {
    const kwargs = { resumable: true };
    const find = (): Promise<object> => {
      meanwhile();
      return Promise.resolve({ run_id: 'r', thread_id: 't', status: 'running', kwargs });
    };
    const runs = { find } as unknown as RunFinder;
    const disconnects = { onReconnect: () => undefined } as unknown as CancelOnDisconnect;
    const output = new RunOutputService(runs, nothing, results, events, disconnects);
    return output.joinStream('r', 't', {
      lastEventId: '-1',
      isReconnecting: false,
      filter: {},
      cancelOnDisconnect: false,
    });
  };

  const all = async ({ frames }: SseBody): Promise<string> => {
    let text = '';
    for (let next = await frames.next(); !next.done; next = await frames.next()) {
      text += next.value;
    }
    frames.return();
    return text;
  };

  it('ends the stream of a run that has ended after its status was read and before the reader was registered', async () => {
    log.add('t', 'r', 1, 'metadata');
    const body = await joinWhile(() => results.publish('r', '{}'));
    expect(await all(body)).toBe('event: metadata\ndata: 0\nid: 0\n\n');
    expect(results.hasWaiters('r')).toBe(false);
    expect(events.isFollowed('r')).toBe(false);
  });

  it('removes the waiter and the reader when the client disconnects', async () => {
    const body = await joinWhile(() => undefined);
    const pending = body.frames.next();
    expect(results.hasWaiters('r')).toBe(true);
    body.frames.return();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(results.hasWaiters('r')).toBe(false);
    expect(events.isFollowed('r')).toBe(false);
  });
});
