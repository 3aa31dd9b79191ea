import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { jsonChunks } from '../common/index.js';

/**
 * Responds with JSON in which LangChain messages are flattened, see {@link jsonChunks}. A large response is written
 * as fast as the client reads it. An error after its start aborts the connection.
 */
export async function sendWire(reply: FastifyReply, value: unknown): Promise<void> {
  const chunks = jsonChunks(value);
  const [first, second] = [await chunks.next(), await chunks.next()];
  const begin = [first.value ?? '', second.value ?? ''];
  const body = second.done ? begin[0] : Readable.from(following(begin, chunks), { objectMode: false });
  void reply.status(200).type('application/json; charset=utf-8').send(body);
}

async function* following(begin: string[], rest: AsyncGenerator<string>): AsyncGenerator<string> {
  yield* begin;
  yield* rest;
}
