import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';

/** A TCP load balancer in front of several servers. It only forwards bytes, and passes broken connections on. */
export interface Balancer {
  url: string;
  add(url: string): void;
  remove(url: string): void;
  close(): void;
}

export async function startBalancer(): Promise<Balancer> {
  const members = new Set<string>();
  const sockets = new Set<Socket>();
  let turn = 0;
  const server = createServer((client) => {
    keep(client);
    const urls = [...members];
    const first = (turn += 1) % urls.length;
    void forward(client, [...urls.slice(first), ...urls.slice(0, first)]);
  });

  /** Forwards to the first server that accepts the connection. */
  async function forward(client: Socket, urls: string[]): Promise<void> {
    for (const url of urls) {
      const { hostname, port } = new URL(url);
      const backend = connect({ host: hostname, port: Number(port) });
      keep(backend);
      if (await isConnected(backend)) {
        client.once('close', () => backend.destroy());
        // Data that a server sent before it ended is still delivered.
        backend.once('close', () => backend.readableEnded || client.destroy());
        client.pipe(backend).pipe(client);
        if (client.destroyed) {
          backend.destroy();
        }
        return;
      }
    }
    client.destroy();
  }

  function keep(socket: Socket): void {
    sockets.add(socket.setNoDelay(true));
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    add: (url) => void members.add(url),
    remove: (url) => void members.delete(url),
    close: () => {
      server.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}

const isConnected = (socket: Socket): Promise<boolean> =>
  new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('close', () => resolve(false));
  });
