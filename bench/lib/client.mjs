import { performance } from 'node:perf_hooks';
import { Pool } from 'undici';

/** A minimal HTTP client: it shares the machine with the server under test. */
export class Client {
  constructor(url, connections = 256) {
    this.url = url;
    this.pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** The JSON of the answer. */
  async get(path) {
    return (await this.send('GET', path)).json();
  }

  /** The JSON of the answer. */
  async post(path, body) {
    return (await this.send('POST', path, body)).json();
  }

  /** Creates a run and reads its stream, which has this number of tokens. Returns times in the form of `figures.streams`. */
  async streamTokens(path, body, tokens) {
    const begin = performance.now();
    return readTokens(await this.send('POST', path, body), begin, tokens);
  }

  /** Reads the stream of an existing run. */
  async joinTokens(path, tokens) {
    const begin = performance.now();
    return readTokens(await this.send('GET', path), begin, tokens);
  }

  async send(method, path, body) {
    const response = await this.pool.request({
      method,
      path,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (response.statusCode >= 300) {
      throw new Error(`${method} ${path}: ${response.statusCode} ${await response.body.text()}`);
    }
    return response.body;
  }

  close() {
    return this.pool.destroy();
  }
}

const TOKEN = 'event: messages\n';

/** Frames are scanned, not parsed. Frames of one chunk have the same arrival time. */
async function readTokens(body, begin, tokens) {
  let first_ms;
  const tokens_ms = [];
  let rest = '';
  try {
    for await (const chunk of body) {
      const now = performance.now() - begin;
      const frames = (rest + chunk.toString('latin1')).split('\n\n');
      rest = frames.pop();
      for (const frame of frames) {
        first_ms ??= now;
        if (frame.includes(TOKEN)) {
          tokens_ms.push(now);
        }
      }
    }
  } catch (error) {
    throw new Error(`a stream was aborted after ${tokens_ms.length} tokens: ${error.message}`, { cause: error });
  }
  if (tokens_ms.length !== tokens) {
    throw new Error(`a stream ended after ${tokens_ms.length} tokens instead of ${tokens}`);
  }
  return { first_ms, tokens_ms };
}
