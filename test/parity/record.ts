import type { ClientClass } from '../support/sdk.js';
import type { Recorded } from './recorded.js';
import type { SdkMethod } from './sdk-calls.js';

type Methods = Record<string, Record<string, (...values: unknown[]) => unknown>>;

/** What the SDK sends when its methods are called. What it makes of the answers, which are empty, does not matter. */
export async function record(Client: ClientClass, methods: SdkMethod[]): Promise<Recorded[]> {
  const recorded: Recorded[] = [];
  let by = '';
  const answer = (url: string, init: RequestInit = {}): Promise<Response> => {
    recorded.push(toRecorded(by, new URL(url), init));
    return Promise.resolve(Response.json({}));
  };
  const callerOptions = { maxRetries: 0, fetch: answer as typeof fetch };
  const client = new Client({ apiUrl: 'http://recorder', apiKey: null, callerOptions }) as unknown as Methods;
  for (const { name, calls } of methods) {
    by = name;
    const [part, method] = name.split('.');
    for (const values of calls) {
      // Methods change what they are given.
      await finished(() => client[part][method](...structuredClone(values)));
    }
  }
  return recorded;
}

async function finished(call: () => unknown): Promise<void> {
  try {
    const result = call();
    for await (const _ of isStream(result) ? result : []) {
      // Until its end.
    }
    await result;
  } catch {
    // An empty answer is not what it has asked for.
  }
}

const isStream = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

const toRecorded = (by: string, url: URL, { method = 'GET', headers, body }: RequestInit): Recorded => ({
  by,
  method,
  path: url.pathname,
  query: [...new Set(url.searchParams.keys())],
  headers: [...new Headers(headers).keys()],
  ...(typeof body === 'string' && { body: JSON.parse(body) as unknown }),
});
