import { announceClose } from '../common/index.js';
import { type NestgraphConfig, publishAddress, type ServerConfig } from '../config/index.js';
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
    if (port !== 0) {
      // Graphs may look for it while they are loaded.
      publish(config.server, port);
    }
    const database = await prepareDatabase(config, onStop);
    const app = await createServer(config, database);
    onStop(() => {
      announceClose();
      return app.close();
    });
    await app.listen(port, host);
    const address = app.getHttpServer().address() as { port: number };
    publish(config.server, address.port);
    announce(config, database, urlOf(config.server, host, address.port));
  });
}

/** Who listens on all addresses reaches itself on the first one. */
const THIS_MACHINE: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

const publish = (server: ServerConfig, port: number): void =>
  publishAddress(urlOf(server, THIS_MACHINE[server.host] ?? server.host, port), port);

const urlOf = ({ mount_prefix }: ServerConfig, host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}${mount_prefix}`;

const STUDIO = 'https://smith.langchain.com/studio/?baseUrl=';

/** The oldest Node that is still maintained. */
const OLDEST_SUPPORTED = 22;

function announce({ command, graphs }: NestgraphConfig, { location }: Database, url: string): void {
  const isDev = command === 'dev';
  process.stdout.write(
    [
      `Nestgraph ${NESTGRAPH_VERSION}`,
      `  API     ${url}`,
      `  Docs    ${url}/docs`,
      ...(isDev ? [`  Studio  ${STUDIO}${encodeURIComponent(url)}`] : []),
      `  Graphs  ${graphs.map(({ graph_id }) => graph_id).join(', ')}`,
      `  Data    ${location}`,
      '',
    ].join('\n'),
  );
  if (isDev && Number.parseInt(process.versions.node, 10) < OLDEST_SUPPORTED) {
    process.stderr.write(
      `Node ${process.versions.node} is out of support. Node 24 executes about twice as many runs in the same time.\n`,
    );
  }
}
