import { isIP, isIPv4 } from 'node:net';
import type { FromText } from './env-variable.js';
import { listOf, text, type Shape } from './shape.js';

/** Names that stand for ranges of addresses. */
const RANGES = ['loopback', 'linklocal', 'uniquelocal'];

/**
 * Where the proxies before this server are. Not how many there are: a client that reaches the server past them could say
 * what it likes then.
 */
export const proxies: Shape<readonly string[]> = {
  ...listOf(text()),
  expected: `addresses of proxies, separated by commas, such as 10.0.0.0/8 or ${RANGES.join(', ')}`,
};

/** Any text that names no proxies is left as it is, and refused. */
export const asProxies: FromText = (source) => {
  const names = source.split(',').map((name) => name.trim());
  return names.every(isProxy) ? names : source;
};

function isProxy(name: string): boolean {
  const [address, bits, ...rest] = name.split('/');
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128));
  return RANGES.includes(name) || (isIP(address) !== 0 && isRange && rest.length === 0);
}
