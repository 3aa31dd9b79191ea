import { NestFactory } from '@nestjs/core';
import { AppModule } from '../app.module.js';
import type { NestgraphConfig } from '../config/index.js';
import { NestgraphLogger } from '../observability/index.js';
import { prepareDatabase } from './prepare-database.js';
import { stopOnSignal } from './stop-on-signal.js';

/** `worker`: executes runs until a signal comes, without serving the API. */
export async function work(config: NestgraphConfig): Promise<void> {
  const database = await prepareDatabase(config);
  try {
    const app = await NestFactory.createApplicationContext(AppModule.forWorker(config, database), {
      logger: new NestgraphLogger(config.log),
      abortOnError: false,
    });
    stopOnSignal(async () => {
      await app.close();
      await database.stop();
    });
    process.stdout.write(`Nestgraph worker: ${config.queue.slots} slots\n  Data    ${database.location}\n`);
  } catch (error) {
    await database.stop();
    throw error;
  }
}
