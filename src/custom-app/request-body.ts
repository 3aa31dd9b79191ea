import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { BodyTooLargeError } from '../common/index.js';

/**
 * The body of a request that the app may read. It is read only on demand, and the part that was read can be replayed to
 * our routes.
 */
export class RequestBody {
  /** The stream that the app reads. */
  readonly stream: ReadableStream<Uint8Array>;
  private readonly chunks: Buffer[] = [];
  private length = 0;
  private source?: AsyncIterator<Buffer>;

  constructor(
    private readonly raw: IncomingMessage,
    private readonly limit: number,
  ) {
    this.stream = new ReadableStream({ pull: (controller) => this.pull(controller) }, { highWaterMark: 0 });
  }

  /** The whole body again, or `json` in its place; undefined when nothing has been read. */
  replay(json: unknown): (Readable & { receivedEncodedLength?: number }) | undefined {
    if (!this.source) {
      return undefined;
    }
    const again =
      json === undefined ? Readable.from(this.all(), { objectMode: false }) : Readable.from([JSON.stringify(json)]);
    // Content-Length describes the body that the client sent, not the replacement.
    return Object.assign(again, { receivedEncodedLength: Number(this.raw.headers['content-length'] ?? 0) });
  }

  /** Also checked after the app has responded: the app may have caught the error that it got while reading. */
  get isTooLarge(): boolean {
    return Math.max(this.length, Number(this.raw.headers['content-length'] ?? 0)) > this.limit;
  }

  /** Discards the rest of the body: an unread rest would block the next request of the connection. */
  async discard(): Promise<void> {
    await this.source?.return?.();
    this.raw.resume();
  }

  private async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const chunk = await this.next();
    if (chunk) {
      controller.enqueue(chunk);
    } else {
      controller.close();
    }
  }

  private async next(): Promise<Buffer | undefined> {
    this.source ??= this.raw.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    const next = await this.source.next();
    if (next.done) {
      return undefined;
    }
    this.length += next.value.length;
    if (this.isTooLarge) {
      throw new BodyTooLargeError();
    }
    this.chunks.push(next.value);
    return next.value;
  }

  private async *all(): AsyncGenerator<Buffer> {
    yield* this.chunks;
    for (let chunk = await this.next(); chunk; chunk = await this.next()) {
      yield chunk;
    }
  }
}
