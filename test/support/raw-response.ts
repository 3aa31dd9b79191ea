import { once } from 'node:events';
import http from 'node:http';

/** A response whose body can be inspected while it arrives. */
export interface RawResponse {
  status: number;
  headers: http.IncomingHttpHeaders;
  /** The body received so far. */
  text(): string;
  /** Arrival times of the chunks, by `performance.now()`. */
  arrivals: { at: number; chunk: string }[];
  /** Resolves when the body so far matches; rejects if it ends without a match. */
  until(pattern: RegExp): Promise<void>;
  /** Resolves with the complete body; rejects if the connection was broken. */
  ended: Promise<string>;
  /** Stops reading from the connection. */
  pause(): void;
  resume(): void;
  /** Disconnects before the end of the response. */
  leave(): void;
}

/** Sends JSON (POST) or nothing (GET) and resolves when the response's headers have arrived. */
export async function open(url: string, body?: unknown, headers: Record<string, string> = {}): Promise<RawResponse> {
  const request = http.request(url, {
    agent: false,
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
  });
  request.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return watch(request, response);
}

function watch(request: http.ClientRequest, response: http.IncomingMessage): RawResponse {
  const arrivals: RawResponse['arrivals'] = [];
  const listeners = new Set<() => void>();
  const notify = (): void => listeners.forEach((listener) => listener());
  let text = '';
  let over = false;
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    arrivals.push({ at: performance.now(), chunk });
    notify();
  });
  const ended = new Promise<string>((resolve, reject) => {
    response.once('close', () => {
      over = true;
      notify();
      if (response.complete) {
        resolve(text);
      } else {
        reject(new Error(`The connection was broken after:\n${text.slice(-500)}`));
      }
    });
    response.once('error', () => undefined);
  });
  // After a disconnect no caller awaits the end.
  ended.catch(() => undefined);
  const until = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.test(text);
        if (found || over) {
          listeners.delete(look);
          if (found) {
            resolve();
          } else {
            reject(new Error(`The body ended without ${String(pattern)}:\n${text.slice(-500)}`));
          }
        }
      };
      listeners.add(look);
      look();
    });
  return {
    status: response.statusCode!,
    headers: response.headers,
    text: () => text,
    arrivals,
    until,
    ended,
    pause: () => response.pause(),
    resume: () => response.resume(),
    leave: () => request.destroy(),
  };
}
