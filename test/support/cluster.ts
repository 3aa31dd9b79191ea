import path from 'node:path';
import { type Balancer, startBalancer } from './balancer.js';
import { createDatabase, type TestDatabase } from './database.js';
import { type ServerOptions, startServer, type TestServer } from './server.js';

/** The graphs of the fault suite. */
const PROJECT = path.resolve(import.meta.dirname, '../faults/graphs');

/**
 * Lease of a run. It is renewed eight times as often, because test machines may be overloaded. Processes poll for expired
 * leases every five seconds.
 */
export const LEASE_MS = 4_000;
export const SHORT_LEASE = { NESTGRAPH_LEASE_SECS: String(LEASE_MS / 1000), NESTGRAPH_HEARTBEAT_SECS: '0.5' };

/** The database of a cluster. */
export type AnyDatabase = Pick<TestDatabase, 'uri' | 'pool' | 'drop'>;

/** A process of a cluster. */
export interface Member extends TestServer {
  freeze(): void;
  thaw(): void;
}

/** Several Nestgraph processes with one database behind a load balancer, as in production. */
export class Cluster {
  /** Times at which processes were killed, and at which others were frozen or stopped, by process id. */
  readonly killed = new Map<number, number>();
  readonly stopped = new Map<number, number>();
  private readonly members: Member[] = [];

  private constructor(
    readonly database: AnyDatabase,
    private readonly balancer: Balancer,
  ) {}

  static async create(database?: AnyDatabase): Promise<Cluster> {
    return new Cluster(database ?? (await createDatabase()), await startBalancer());
  }

  /** The URL of the load balancer, which forwards to any process that serves the API and is not stopping. */
  get url(): string {
    return this.balancer.url;
  }

  /** Starts a process. */
  async start({ command = 'start', env }: Pick<ServerOptions, 'command' | 'env'> = {}): Promise<Member> {
    const { database } = this;
    const server = await startServer({ command, database, project: PROJECT, env: { ...SHORT_LEASE, ...env } });
    const { pid, url } = server;
    const member: Member = {
      ...server,
      stop: (signal) => {
        (signal === 'SIGKILL' ? this.killed : this.stopped).set(pid, Date.now());
        this.balancer.remove(url);
        return server.stop(signal);
      },
      freeze: () => {
        this.stopped.set(pid, Date.now());
        process.kill(pid, 'SIGSTOP');
      },
      thaw: () => void process.kill(pid, 'SIGCONT'),
    };
    this.members.push(member);
    if (url !== '') {
      this.balancer.add(url);
      void server.exited.then(() => this.balancer.remove(url));
    }
    return member;
  }

  /** Warnings and errors in the logs of its processes. */
  complaints(): string[] {
    return this.members.flatMap((member) =>
      member
        .output()
        .split('\n')
        .filter((line) => /warn|error/i.test(line))
        .map((line) => `${member.pid}: ${line}`),
    );
  }

  /** Ends all processes, including frozen ones. */
  async end(): Promise<void> {
    this.balancer.close();
    await Promise.all(this.members.map((member) => member.stop('SIGKILL')));
    await this.database.drop();
  }
}
