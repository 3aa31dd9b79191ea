import { isIP, isIPv4 } from 'node:net';
import type { FromString } from './env-variable.js';
import { listOf, string, type Shape } from './shape.js';

/** Named ranges of addresses. */
const RANGES = ['loopback', 'linklocal', 'uniquelocal'];

/**
 * The addresses of the proxies in front of this server. Not their number: a client that bypasses them could then forge
 * `X-Forwarded-For`.
 */
export const proxies: Shape<readonly string[]> = {
  ...listOf(string()),
  expected: `addresses of proxies, separated by commas, such as 10.0.0.0/8 or ${RANGES.join(', ')}`,
};

/** Returns a string that is not a list of proxies unchanged, so that validation rejects it. */
export const asProxies: FromString = (source) => {
  const names = source.split(',').map((name) => name.trim());
  return names.every(isProxy) ? names : source;
};

function isProxy(name: string): boolean {
  const [address, bits, ...rest] = name.split('/');
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128));
  return RANGES.includes(name) || (isIP(address) !== 0 && isRange && rest.length === 0);
}
