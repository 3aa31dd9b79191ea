import { describe, expect, it } from '@jest/globals';
import { bodyOf } from './webhook-sender.js';

const NOW = new Date('2026-11-22T12:00:00.123Z');
const SENT = '"webhook_sent_at":"2026-11-22T12:00:00.123Z"}';

describe('bodyOf', () => {
  it.each([
    ['{"run_id" : "r"}', '{"n": 1.50}', `{"run_id" : "r","values":{"n": 1.50},${SENT}`],
    ['{"run_id":"r"}', '[1]', `{"run_id":"r","values":[1],${SENT}`],
    ['{"run_id":"r"}', null, `{"run_id":"r","values":{},${SENT}`],
    ['{"run_id":"r"}', 'null', `{"run_id":"r","values":{},${SENT}`],
  ])('adds to %s the state %s without changing either', (payload, state, body) => {
    expect(bodyOf({ payload, state }, NOW)).toBe(body);
    expect(() => JSON.parse(body) as unknown).not.toThrow();
  });
});
