import type { Page } from 'playwright-core';

/** A question that the browser has asked before a request. */
export interface Preflight {
  status: number;
  /** The headers that the page may send. */
  allowed: string[];
}

/** Preflights of the page from now on; pages themselves do not see them. */
export async function watchPreflights(page: Page): Promise<() => Preflight[]> {
  const seen: Preflight[] = [];
  const session = await page.context().newCDPSession(page);
  session.on('Network.responseReceived', ({ type, response: { status, headers } }) => {
    if (type === 'Preflight') {
      const allowed = headers['access-control-allow-headers'] ?? headers['Access-Control-Allow-Headers'] ?? '';
      seen.push({ status, allowed: allowed.split(',').map((name) => name.trim()) });
    }
  });
  await session.send('Network.enable');
  return () => seen;
}
