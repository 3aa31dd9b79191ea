import { isIP } from 'node:net';
import { hostnameOf, isLoopback, matchesDomain } from '../http/host-names.js';
import type { Environment } from './env.js';
import { readDomain } from './langgraph-json.schema.js';
import { parsed } from './schema.js';

/** Accepted names in the `Host` header of a server without authentication; see decision 25. */
export interface HostsConfig {
  /** Besides loopback. `*.` matches all subdomains. */
  readonly names: readonly string[];
  /** Accepts any IP address: the server listens on the network, and DNS rebinding needs a name. */
  readonly any_address: boolean;
}

/** Host names, separated by commas. */
export const hostNames = parsed('host names, separated by commas, such as api,*.example.com', (source) => {
  const names = source.split(',').map((name) => readDomain(name.trim()));
  return names.every((name) => name !== undefined) ? names : undefined;
});

/** The names of this server: the configured list, the listening address and the published address. */
export function hostsConfig(host: string, environment: Environment, published: string | undefined): HostsConfig {
  const listening = hostnameOf(host) ?? host;
  const address = published !== undefined && URL.canParse(published) ? hostnameOf(new URL(published).host) : undefined;
  return {
    names: [...environment.NESTGRAPH_ALLOWED_HOSTS, listening, ...(address ? [address] : [])],
    any_address: !isLoopback(listening),
  };
}

/** Whether a `Host` header names this server. */
export function namesServer({ names, any_address }: HostsConfig, authority: string): boolean {
  const hostname = hostnameOf(authority);
  return (
    hostname !== undefined &&
    (isLoopback(hostname) ||
      (any_address && isIP(hostname) !== 0) ||
      names.some((name) => matchesDomain(name, hostname)))
  );
}
