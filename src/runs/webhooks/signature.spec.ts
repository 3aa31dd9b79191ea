import { describe, expect, it } from '@jest/globals';
import { signatureOf } from './signature.js';

const MESSAGE = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' };

describe('signatureOf', () => {
  it('matches the example of Standard Webhooks', () => {
    // From the specification.
    expect(signatureOf(MESSAGE, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it('uses a secret without the prefix as the key', () => {
    const encoded = `whsec_${Buffer.from('0123456789abcdef').toString('base64')}`;
    expect(signatureOf(MESSAGE, '0123456789abcdef')).toBe(signatureOf(MESSAGE, encoded));
  });

  it.each([{ id: 'other' }, { timestamp: 1 }, { body: '{}' }])('depends on %j', (change) => {
    const secret = '0123456789abcdef';
    expect(signatureOf({ ...MESSAGE, ...change }, secret)).not.toBe(signatureOf(MESSAGE, secret));
  });
});
