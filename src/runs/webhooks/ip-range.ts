import { BlockList, isIPv4, isIPv6 } from 'node:net';

/**
 * From where an address is reachable: the internet, this machine only, or a restricted network such as the local one.
 */
export type Reach = 'public' | 'loopback' | 'private';

const blockList = (...subnets: string[]): BlockList => {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address, prefix] = subnet.split('/');
    list.addSubnet(address, Number(prefix), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return list;
};

/** Includes "this network", because connecting to 0.0.0.0 or :: reaches a server that listens on 127.0.0.1. */
const LOOPBACK = blockList('127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128');

/** Registered as not globally reachable (IANA special-purpose registries), and addresses that clouds reserve. */
const NOT_PUBLIC_V4 = blockList(
  '10.0.0.0/8',
  '100.64.0.0/10', // Carrier-grade NAT; metadata of Alibaba Cloud.
  '169.254.0.0/16', // Link-local; metadata of most clouds.
  '172.16.0.0/12',
  '192.0.0.0/24', // Protocol assignments; metadata of Oracle Cloud.
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '168.63.129.16/32', // Azure's host, in a public range.
);

/**
 * The only IPv6 range assigned to the public internet; the ranges of `NOT_PUBLIC_V6` within it serve other purposes.
 */
const GLOBAL_UNICAST = blockList('2000::/3');
const NOT_PUBLIC_V6 = blockList(
  '2001::/23', // Protocol assignments; Teredo, which wraps IPv4.
  '2001:db8::/32',
  '2002::/16', // 6to4, which wraps IPv4.
  '3fff::/20',
);

/** IPv6-only networks reach IPv4 through these addresses, which hold the IPv4 address in their last 32 bits. */
const NAT64 = blockList('64:ff9b::/96');
const MAPPED_V4 = blockList('::ffff:0:0/96');

/** Classifies an IP address. An address that cannot be parsed is private. */
export function reachOf(address: string): Reach {
  if (isIPv4(address)) {
    return LOOPBACK.check(address) ? 'loopback' : NOT_PUBLIC_V4.check(address) ? 'private' : 'public';
  }
  if (!isIPv6(address) || address.includes('%')) {
    return 'private';
  }
  if (NAT64.check(address, 'ipv6') || MAPPED_V4.check(address, 'ipv6')) {
    return reachOf(wrappedV4(address));
  }
  if (LOOPBACK.check(address, 'ipv6')) {
    return 'loopback';
  }
  return GLOBAL_UNICAST.check(address, 'ipv6') && !NOT_PUBLIC_V6.check(address, 'ipv6') ? 'public' : 'private';
}

/** The IPv4 address in the last 32 bits. A URL normalises IPv6: its last two groups are these bits, in hexadecimal. */
function wrappedV4(address: string): string {
  const { hostname } = new URL(`http://[${address}]`);
  const [high, low] = hostname.slice(1, -1).replace('::', ':0:0:').split(':').slice(-2);
  const bits = [high, low].map((group) => Number.parseInt(group || '0', 16));
  return bits.flatMap((group) => [group >> 8, group & 0xff]).join('.');
}
