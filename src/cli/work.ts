import { NestFactory } from '@nestjs/core';
import { AppModule } from '../app.module.js';
import { loadAuth } from '../auth/index.js';
import { type NestgraphConfig, publishedAddress } from '../config/index.js';
import { shareAddressWithGraphs } from '../in-process-fetch.js';
import { NestgraphLogger } from '../observability/index.js';
import { prepareDatabase } from './prepare-database.js';
import { runUntilSignal } from './run-until-signal.js';

/** `worker`: executes runs until a signal arrives, without serving the API. */
export function work(config: NestgraphConfig): Promise<void> {
  return runUntilSignal(config, async (onStop) => {
    const database = await prepareDatabase(config, onStop);
    const api = publishedAddress();
    if (api) {
      shareAddressWithGraphs(api);
    }
    const auth = await loadAuth(config);
    const app = await NestFactory.createApplicationContext(AppModule.forWorker(config, database, auth), {
      logger: new NestgraphLogger(config.log),
      abortOnError: false,
    });
    onStop(() => app.close());
    process.stdout.write(`Nestgraph worker: ${config.queue.slots} slots\n  Data    ${database.location}\n`);
  });
}
