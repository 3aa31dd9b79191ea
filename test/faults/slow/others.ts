// A custom app and embeddings.
import { pass } from './gate.js';

export async function app(request: Request): Promise<Response> {
  if (new URL(request.url).pathname !== '/slow') {
    return new Response(null, { status: 404 });
  }
  await pass('app');
  return new Response('at last');
}

export async function embed(texts: string[]): Promise<number[][]> {
  if (texts.some((text) => text.includes('slow'))) {
    await pass('embed');
  }
  return texts.map((text) => [text.length, 1]);
}
