import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from '../app.module.js';
import type { NestgraphConfig } from '../config/index.js';
import { apiDocument } from '../openapi.js';

/** `openapi`: prints the document. Starts nothing: in preview mode Nest creates no providers. */
export async function printOpenApi(config: NestgraphConfig): Promise<void> {
  const nothing = { uri: '', location: '', stop: () => Promise.resolve() };
  const app = await NestFactory.create(AppModule.forServer(config, nothing), new FastifyAdapter(), {
    preview: true,
    logger: false,
    abortOnError: false,
  });
  app.setGlobalPrefix(config.server.mount_prefix);
  process.stdout.write(`${JSON.stringify(apiDocument(app, config), null, 2)}\n`);
}
