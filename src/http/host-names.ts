/** The name or IP address in a `Host` header or authority, in lower case, without port and brackets; undefined if invalid. */
export function hostnameOf(authority: string): string | undefined {
  // The URL parser accepts more than a host: credentials, paths and white space would hide the actual one.
  const isHost = /^(\[[\da-f:.]+\]|[\w.-]+)(:\d*)?$/i.test(authority);
  const url = isHost && URL.canParse(`http://${authority}`) ? new URL(`http://${authority}`) : undefined;
  return url?.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/** `localhost`, 127.0.0.0/8 and ::1, as {@link hostnameOf} returns them. Names that resolve to these are not loopback. */
export const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '::1' || /^127(\.\d+){3}$/.test(hostname);

/** Whether a domain pattern matches a host. `*.example.com` matches all subdomains of `example.com`, not itself. */
export function matchesDomain(domain: string, hostname: string): boolean {
  const host = hostname.replace(/\.$/, '');
  return domain.startsWith('*.') ? host.endsWith(domain.slice(1)) && host.length > domain.length - 1 : host === domain;
}
