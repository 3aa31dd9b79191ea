/** Is notified of each part of a request that a handler reads. */
export interface Reads {
  /** A header, by its name in lower case. */
  header(name: string): void;
  /** `method` or `url`. */
  field(name: 'method' | 'url'): void;
  /** More than one part: every header, for example, or a copy of the request. */
  everything(): void;
}

/**
 * Reports to `reads` which parts of the request are read. The object remains a real `Request`, not a proxy, so that a
 * handler can pass it to `fetch` and other libraries.
 */
export function track(request: Request, reads: Reads): Request {
  trackHeaders(request.headers, reads);
  const { method, url } = request;
  return Object.defineProperties(request, {
    method: { get: () => (reads.field('method'), method) },
    url: { get: () => (reads.field('url'), url) },
    clone: { value: () => (reads.everything(), Request.prototype.clone.call(request)) },
  });
}

/** Members that read every header. */
const LISTING = ['entries', 'keys', 'values', 'forEach', 'getSetCookie', Symbol.iterator] as const;

function trackHeaders(headers: Headers, reads: Reads): void {
  const { get, has } = headers;
  Object.defineProperties(headers, {
    get: { value: (name: string) => (reads.header(String(name).toLowerCase()), get.call(headers, name)) },
    has: { value: (name: string) => (reads.header(String(name).toLowerCase()), has.call(headers, name)) },
  });
  for (const name of LISTING) {
    const list = headers[name] as (...args: unknown[]) => unknown;
    const value = (...args: unknown[]): unknown => (reads.everything(), list.apply(headers, args));
    Object.defineProperty(headers, name, { value });
  }
}
