import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { NESTGRAPH_VERSION } from './observability/index.js';
import { EXAMPLE_RUN_ID } from './runs/index.js';
import { EXAMPLE_CHECKPOINT_ID } from './threads/index.js';

const DESCRIPTION = `Open, self-hosted LangGraph Platform for TypeScript. Every official LangGraph SDK client can use it.

The examples on this page work against the bundled graphs (\`npm start\`). Begin with "Create a thread" and
"Create a run and stream its output"; where an example needs the id of a run or a checkpoint, the page puts in the last
one it has seen.`;

/** The OpenAPI document, from the decorators. */
export function apiDocument(app: INestApplication): OpenAPIObject {
  const info = new DocumentBuilder().setTitle('Nestgraph').setDescription(DESCRIPTION).setVersion(NESTGRAPH_VERSION);
  return SwaggerModule.createDocument(app, info.setOpenAPIVersion('3.1.0').build(), {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
}

/** Swagger UI at /docs, the document at /openapi.json. */
export function serveApiDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => apiDocument(app), {
    useGlobalPrefix: true,
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
    customSiteTitle: 'Nestgraph API',
    swaggerOptions: {
      displayRequestDuration: true,
      tryItOutEnabled: true,
      requestInterceptor: interceptor(putInLastIds),
      responseInterceptor: interceptor(rememberIds),
    },
  });
}

interface Request {
  url: string;
}

interface Response {
  headers: Record<string, string>;
  text?: string;
}

/** Runs in the page, which gets its text: nothing outside of it is there. */
function putInLastIds(request: Request, runId: string, checkpointId: string): Request {
  const storage = (globalThis as unknown as { localStorage: Map<string, string> & { getItem(key: string): string } })
    .localStorage;
  request.url = request.url
    .replace(runId, storage.getItem('run_id') || runId)
    .replace(checkpointId, storage.getItem('checkpoint_id') || checkpointId);
  return request;
}

/** Runs in the page, like {@link putInLastIds}. */
function rememberIds(response: Response): Response {
  const storage = (globalThis as unknown as { localStorage: { setItem(key: string, value: string): void } })
    .localStorage;
  const run = /\/runs\/([0-9a-f-]{36})$/.exec(response.headers['content-location'] ?? '');
  const checkpoint = /"checkpoint_id":"([0-9a-f-]{36})"/.exec(response.text ?? '');
  if (run?.[1]) {
    storage.setItem('run_id', run[1]);
  }
  if (checkpoint?.[1]) {
    storage.setItem('checkpoint_id', checkpoint[1]);
  }
  return response;
}

/** A function of one argument whose text is complete: the ids are written into it. */
function interceptor(run: (value: never, ...ids: string[]) => unknown): (value: unknown) => unknown {
  const ids = JSON.stringify([EXAMPLE_RUN_ID, EXAMPLE_CHECKPOINT_ID]);
  return new Function('value', `return (${run.toString()})(value, ...${ids});`) as (value: unknown) => unknown;
}
