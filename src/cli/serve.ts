import type { NestgraphConfig } from '../config/index.js';
import type { Database } from '../database/index.js';
import { NESTGRAPH_VERSION } from '../observability/index.js';
import { createServer } from '../server.js';
import { choosePort } from './choose-port.js';
import { prepareDatabase } from './prepare-database.js';
import { runUntilSignal } from './run-until-signal.js';

/** `dev` and `start`: serves until a signal comes. */
export function serve(config: NestgraphConfig): Promise<void> {
  return runUntilSignal(config, async (onStop) => {
    const { host } = config.server;
    const port = await choosePort(config.server);
    const database = await prepareDatabase(config, onStop);
    const app = await createServer(config, database);
    onStop(() => app.close());
    await app.listen(port, host);
    const address = app.getHttpServer().address() as { port: number };
    announce(config, database, `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`);
  });
}

function announce({ graphs, server }: NestgraphConfig, { location }: Database, origin: string): void {
  const url = `${origin}${server.mount_prefix}`;
  process.stdout.write(
    [
      `Nestgraph ${NESTGRAPH_VERSION}`,
      `  API     ${url}`,
      `  Docs    ${url}/docs`,
      `  Graphs  ${graphs.map(({ graph_id }) => graph_id).join(', ')}`,
      `  Data    ${location}`,
      '',
    ].join('\n'),
  );
}
