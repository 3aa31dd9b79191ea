import { isIP, isIPv4 } from 'node:net';
import { parsed } from './schema.js';

/** Named ranges of addresses. */
const RANGES = ['loopback', 'linklocal', 'uniquelocal'];

/**
 * The addresses of the proxies in front of this server. Not their number: a client that bypasses them could then forge
 * `X-Forwarded-For`.
 */
export const proxies = parsed(
  `addresses of proxies, separated by commas, such as 10.0.0.0/8 or ${RANGES.join(', ')}`,
  (source) => {
    const names = source.split(',').map((name) => name.trim());
    return names.every(isProxy) ? names : undefined;
  },
);

function isProxy(name: string): boolean {
  const [address, bits, ...rest] = name.split('/');
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128));
  return RANGES.includes(name) || (isIP(address) !== 0 && isRange && rest.length === 0);
}
