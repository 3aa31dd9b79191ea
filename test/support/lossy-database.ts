import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy to a database that can lose responses. */
export interface LossyDatabase {
  uri: string;
  /** Breaks the connection of the next matching statement when its response arrives: the statement was executed. */
  loseAnswer(statement: RegExp): Promise<void>;
  close(): Promise<void>;
}

/** Statements must not be prepared: the messages of a prepared statement do not contain its SQL. */
export async function startLossyDatabase({ uri }: { uri: string }): Promise<LossyDatabase> {
  const { path, direct } = wayTo(uri);
  const sockets = new Set<Socket>();
  let awaited: { statement: RegExp; lost: () => void } | undefined;

  const server = createServer((client) => {
    const database = connect(path);
    let doomed: (() => void) | undefined;
    client.on('data', (data) => {
      if (awaited?.statement.test(data.toString('latin1'))) {
        doomed = awaited.lost;
        awaited = undefined;
      }
      database.write(data);
    });
    database.on('data', (data) => {
      if (doomed) {
        client.destroy();
        doomed();
      } else {
        client.write(data);
      }
    });
    for (const [socket, other] of [
      [client, database],
      [database, client],
    ]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    uri: direct(`127.0.0.1:${(server.address() as AddressInfo).port}`),
    loseAnswer: (statement) =>
      new Promise((lost) => {
        awaited = { statement, lost };
      }),
    close: async () => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}

/** The socket of the test database, and the URI of the same database at another address. */
function wayTo(uri: string): { path: string; direct: (host: string) => string } {
  const [, before, after, query] = /^(.*@)(\/[^?]*)\?(.*)$/.exec(uri)!;
  const folder = new URLSearchParams(query).get('host')!;
  const port = new URLSearchParams(query).get('port')!;
  return { path: `${folder}/.s.PGSQL.${port}`, direct: (host) => `${before}${host}${after}?sslmode=disable` };
}
