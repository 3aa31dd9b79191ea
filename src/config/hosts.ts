import { isIP } from 'node:net';
import { hostnameOf, isLoopback, matchesDomain } from '../common/http/host-names.js';
import type { Environment } from './env.js';
import type { FromText } from './env-variable.js';
import { readDomain } from './langgraph-json.shape.js';
import { listOf, text, type Shape } from './shape.js';

/** Which names the `Host` header may have where no caller has to authenticate; see decision 25. */
export interface HostsConfig {
  /** Besides loopback. `*.` stands for all names below one. */
  readonly names: readonly string[];
  /** Any IP address will do: the server listens on the network, and only names can be rebound. */
  readonly any_address: boolean;
}

/** Host names, separated by commas. */
export const hostNames: Shape<readonly string[]> = {
  ...listOf(text()),
  expected: 'host names, separated by commas, such as api,*.example.com',
};

/** A string that is no list of host names is left as it is, and refused. */
export const asHostNames: FromText = (source) => {
  const names = source.split(',').map((name) => readDomain(name.trim()));
  return names.includes(undefined) ? source : names;
};

/** The names that the configuration has for this server: its own list, where it listens, and its published address. */
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
