import { once } from 'node:events';
import net from 'node:net';

/** A fake Redis with the commands of a request counter: strings that expire, and transactions. */
export interface FakeRedis {
  uri: string;
  /** All keys and values that have not expired. */
  values(): Record<string, string>;
  /** Moves the clock forward. */
  advance(ms: number): void;
  /** Closes all connections and accepts no more. */
  close(): Promise<void>;
}

interface Entry {
  value: string;
  expiresAt: number;
}

export async function startRedis(): Promise<FakeRedis> {
  const entries = new Map<string, Entry>();
  const sockets = new Set<net.Socket>();
  let ahead = 0;
  const now = (): number => Date.now() + ahead;
  const find = (key: string): Entry | undefined => {
    const entry = entries.get(key);
    return entry && entry.expiresAt > now() ? entry : undefined;
  };
  const commands: Record<string, (...args: string[]) => string> = {
    SET: (key, value, _px, ms) => {
      if (find(key)) {
        return '_\r\n';
      }
      entries.set(key, { value, expiresAt: now() + Number(ms) });
      return '+OK\r\n';
    },
    INCR: (key) => {
      const entry = find(key)!;
      entry.value = String(Number(entry.value) + 1);
      return `:${entry.value}\r\n`;
    },
    PTTL: (key) => `:${find(key)!.expiresAt - now()}\r\n`,
    HELLO: () => '%1\r\n$5\r\nproto\r\n:3\r\n',
    CLIENT: () => '+OK\r\n',
  };
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let queued: string[][] | undefined;
    const carryOut = ([name, ...args]: string[]): string =>
      commands[name.toUpperCase()]?.(...args) ?? '-ERR unknown command\r\n';
    readCommands(socket, (command) => {
      const name = command[0].toUpperCase();
      if (name === 'MULTI') {
        queued = [];
        socket.write('+OK\r\n');
      } else if (name === 'EXEC') {
        const answers = (queued ?? []).map(carryOut);
        queued = undefined;
        socket.write(`*${answers.length}\r\n${answers.join('')}`);
      } else if (queued) {
        queued.push(command);
        socket.write('+QUEUED\r\n');
      } else {
        socket.write(carryOut(command));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    uri: `redis://user:${REDIS_PASSWORD}@127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    values: () => Object.fromEntries([...entries.keys()].filter(find).map((key) => [key, find(key)!.value])),
    advance: (ms) => void (ahead += ms),
    close: async () => {
      server.close();
      sockets.forEach((socket) => socket.destroy());
      await once(server, 'close');
    },
  };
}

/** Not checked by the fake. It must not appear in any output. */
export const REDIS_PASSWORD = 'hush-redis';

/** Parses commands: lists of strings, each with its length. */
function readCommands(socket: net.Socket, onCommand: (command: string[]) => void): void {
  let buffer = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    buffer += chunk;
    for (let found = COMMAND.exec(buffer); found; found = COMMAND.exec(buffer)) {
      const parts: string[] = [];
      let at = found[0].length;
      for (let left = Number(found[1]); left > 0; left--) {
        const head = /^\$(\d+)\r\n/.exec(buffer.slice(at));
        if (!head || buffer.length < at + head[0].length + Number(head[1]) + 2) {
          return;
        }
        at += head[0].length;
        parts.push(buffer.slice(at, at + Number(head[1])));
        at += Number(head[1]) + 2;
      }
      buffer = buffer.slice(at);
      onCommand(parts);
    }
  });
}

const COMMAND = /^\*(\d+)\r\n/;
