import { OpenResponses } from '../http/index.js';
import { type NestgraphConfig, publishAddress, type ServerConfig } from '../config/index.js';
import type { Database } from '../database/index.js';
import { NESTGRAPH_VERSION } from '../observability/index.js';
import { createServer } from '../server.js';
import { choosePort } from './choose-port.js';
import { prepareDatabase } from './prepare-database.js';
import { runUntilSignal } from './run-until-signal.js';

/** `dev` and `start`: serves the API until a signal arrives. */
export function serve(config: NestgraphConfig): Promise<void> {
  return runUntilSignal(config, async (onStop) => {
    const { host } = config.server;
    const port = await choosePort(config.server);
    if (port !== 0) {
      // Graphs may read the address while they are loaded.
      publish(config.server, port);
    }
    const database = await prepareDatabase(config, onStop);
    const app = await createServer(config, database);
    onStop(() => {
      app.get(OpenResponses).announceShutdown();
      return app.close();
    });
    await app.listen(port, host);
    const address = app.getHttpServer().address() as { port: number };
    publish(config.server, address.port);
    announce(config, database, urlOf(config.server, host, address.port));
  });
}

/** A server that listens on all addresses is reached on loopback. */
const LOOPBACK_ADDRESSES: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

const publish = (server: ServerConfig, port: number): void =>
  publishAddress(urlOf(server, LOOPBACK_ADDRESSES[server.host] ?? server.host, port), port);

const urlOf = ({ mount_prefix }: ServerConfig, host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}${mount_prefix}`;

const STUDIO = 'https://smith.langchain.com/studio/?baseUrl=';

/** The oldest maintained major version of Node. */
const MIN_MAINTAINED_NODE = 22;

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
  if (isDev && Number.parseInt(process.versions.node, 10) < MIN_MAINTAINED_NODE) {
    process.stderr.write(
      `Node ${process.versions.node} is out of support. Node 24 executes about twice as many runs in the same time.\n`,
    );
  }
}
