// Reports to the test which methods of the SDK's client the page calls, also through the hook, which creates its own client.
import { Client } from '@langchain/langgraph-sdk';

declare global {
  interface Window {
    /** The test's side, when it listens. */
    sdkCalled?: (method: string) => void;
  }
}

const client = new Client({ apiUrl: 'http://127.0.0.1', apiKey: null });

for (const part of ['assistants', 'threads', 'runs', 'crons', 'store'] as const) {
  const methods = Object.getPrototypeOf(client[part]) as Record<string, unknown>;
  for (const name of Object.getOwnPropertyNames(methods)) {
    const method = methods[name];
    if (name !== 'constructor' && typeof method === 'function') {
      methods[name] = function (this: unknown, ...args: unknown[]): unknown {
        window.sdkCalled?.(`${part}.${name}`);
        return method.apply(this, args) as unknown;
      };
    }
  }
}
