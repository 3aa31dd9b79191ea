// Custom routes and middleware, as people write them with Hono.
import { Client } from '@langchain/langgraph-sdk';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { streamText } from 'hono/streaming';

let lastWebhook: unknown = null;
/** Lets the stream of chunks write the next one. */
let goOn = (): void => undefined;
let cancelled = 0;

interface RunBody {
  config?: { configurable?: Record<string, unknown> };
  input?: Record<string, unknown>;
}

export const app = new Hono()
  .use(async (c, next) => {
    if (c.req.header('x-stop')) {
      return c.json({ stopped: true }, 403);
    }
    c.header('x-before', 'before');
    await next();
    c.header('x-after', 'after');
    c.header('set-cookie', 'a=1', { append: true });
    c.header('set-cookie', 'b=2', { append: true });
  })
  .use(async (c, next) => {
    const value = c.req.header('x-into-config');
    if (value && c.req.method === 'POST') {
      const body = await c.req.json<RunBody>();
      body.config ??= {};
      body.config.configurable ??= {};
      body.config.configurable.from_middleware = value;
    }
    if (c.req.header('x-look-at-text')) {
      await c.req.text();
    }
    await next();
  })
  .use(async (c, next) => {
    if (c.req.header('x-into-config')) {
      await c.req.json();
    }
    await next();
  })
  .get('/custom/hello', (c) => c.json({ hello: c.req.query('name'), url: c.req.url }, 201, { 'x-custom': 'yes' }))
  .get('/runs/afakeroute', (c) => c.json({ fake: true }))
  .get('/custom/client', async (c) => {
    const answer = await new Client({ apiKey: null }).runs.wait(null, 'steps', { input: {} });
    return c.json({ answer });
  })
  .get('/custom/error', () => {
    throw new HTTPException(400, { message: 'Bad parrot' });
  })
  .get('/custom/broken', () => {
    throw new Error('broken');
  })
  .get('/custom/chunks', (c) =>
    streamText(c, async (stream) => {
      for (let chunk = 0; chunk < 4; chunk++) {
        const asked = new Promise<void>((resolve) => (goOn = resolve));
        await stream.write(`chunk ${chunk}\n`);
        await asked;
      }
    }),
  )
  .post('/custom/chunks', (c) => {
    goOn();
    return c.json({});
  })
  .get('/custom/endless', (c) =>
    streamText(c, async (stream) => {
      stream.onAbort(() => void (cancelled += 1));
      while (!stream.aborted) {
        await stream.write('on and on\n');
        await stream.sleep(5);
      }
    }),
  )
  .get('/custom/cancelled', (c) => c.json(cancelled))
  .post('/custom/upload', async (c) => {
    const form = await c.req.formData();
    const file = form.get('file') as File;
    return c.json({ name: file.name, bytes: [...new Uint8Array(await file.arrayBuffer())] });
  })
  .post('/custom/echo', async (c) => c.body(await c.req.arrayBuffer()))
  .post('/custom/unread', (c) => c.text('enough'))
  .post('/custom/part', async (c) => {
    await c.req.raw.body?.getReader().read();
    return c.text('enough');
  })
  .post('/custom/webhook', async (c) => {
    lastWebhook = await c.req.json();
    return c.json({});
  })
  .get('/custom/webhook', (c) => c.json(lastWebhook))
  .notFound((c) => c.text('of its own', 404));

/** The same idea without a library. */
export default async function fetchStyle(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === '/custom/hello') {
    return new Response('hello', { headers: { 'x-custom': 'function' } });
  }
  if (request.method === 'POST') {
    await request.text();
  }
  return new Response('never seen', { status: 404 });
}

/** And as an object. */
export const object = { name: 'object', fetch: (request: Request) => fetchStyle(request) };

export const nothing = 7;
