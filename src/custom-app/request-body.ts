import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { BodyTooLargeError } from '../common/index.js';

/**
 * The body of a request for an app that may want it or not. It is read when the app asks for it and not before, and what has
 * been read can be read again.
 */
export class RequestBody {
  /** For the app. */
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

  /** Everything from the beginning, or this JSON in its place; undefined when nothing has been read. */
  replay(json: unknown): (Readable & { receivedEncodedLength?: number }) | undefined {
    if (!this.source) {
      return undefined;
    }
    const again =
      json === undefined ? Readable.from(this.all(), { objectMode: false }) : Readable.from([JSON.stringify(json)]);
    // What the client has said about the length is about what the client has sent.
    return Object.assign(again, { receivedEncodedLength: Number(this.raw.headers['content-length'] ?? 0) });
  }

  /** Asked when the app has answered, too: it may have made something else of the error that it got while reading. */
  get isTooLarge(): boolean {
    return Math.max(this.length, Number(this.raw.headers['content-length'] ?? 0)) > this.limit;
  }

  /** Nobody wants the rest: left unread, it would stand before the next request of the connection. */
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
