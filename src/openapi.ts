import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { documentSecurity } from './auth/index.js';
import type { NestgraphConfig } from './config/index.js';
import { NESTGRAPH_VERSION } from './observability/index.js';

const DESCRIPTION = `Open, self-hosted LangGraph Platform for TypeScript. Every official LangGraph SDK client can use it.

The examples on this page work with the bundled graphs (\`npm start\`). Start with "Create a thread" and
"Create a run and stream its output". Where an example needs the id of a run, a checkpoint or a cron, the page inserts the
last one of this session.`;

/** The OpenAPI document, generated from the decorators. The security schemes depend on the configuration. */
export function apiDocument(app: INestApplication, { auth, server }: NestgraphConfig): OpenAPIObject {
  const info = new DocumentBuilder().setTitle('Nestgraph').setDescription(DESCRIPTION).setVersion(NESTGRAPH_VERSION);
  const document = SwaggerModule.createDocument(app, info.setOpenAPIVersion('3.1.0').build(), {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  documentSecurity(document, auth, server.mount_prefix);
  return document;
}

/** Serves Swagger UI at /docs and the document at /openapi.json. */
export function serveApiDocs(app: INestApplication, config: NestgraphConfig): void {
  SwaggerModule.setup('docs', app, () => apiDocument(app, config), {
    useGlobalPrefix: true,
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
    customSiteTitle: 'Nestgraph API',
    swaggerOptions: {
      displayRequestDuration: true,
      tryItOutEnabled: true,
      requestInterceptor: insertLastIds,
      responseInterceptor: rememberIds,
    },
  });
}

/** Browser API that the two functions below use in the page. */
declare const localStorage: { getItem(key: string): string | null; setItem(key: string, value: string): void };

/** Runs in the page, which receives the source code of this function: hence literals instead of constants. */
function insertLastIds(request: { url: string }): { url: string } {
  request.url = request.url
    .replace('0192f0c1-0000-7000-8000-000000000000', (example) => localStorage.getItem('run_id') ?? example)
    .replace('1f000000-0000-6000-8000-000000000000', (example) => localStorage.getItem('checkpoint_id') ?? example)
    .replace('0192f0c1-0000-7000-8000-000000000001', (example) => localStorage.getItem('cron_id') ?? example);
  return request;
}

/** Runs in the page, like {@link insertLastIds}. */
function rememberIds<T extends { headers: Record<string, string>; text?: string }>(response: T): T {
  const run = /\/runs\/([0-9a-f-]{36})$/.exec(response.headers['content-location'] ?? '')?.[1];
  const checkpoint = /"checkpoint_id":"([0-9a-f-]{36})"/.exec(response.text ?? '')?.[1];
  const cron = /"cron_id":"([0-9a-f-]{36})"/.exec(response.text ?? '')?.[1];
  if (run) {
    localStorage.setItem('run_id', run);
  }
  if (checkpoint) {
    localStorage.setItem('checkpoint_id', checkpoint);
  }
  if (cron) {
    localStorage.setItem('cron_id', cron);
  }
  return response;
}
