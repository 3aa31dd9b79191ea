import path from 'node:path';
import { type Balancer, startBalancer } from './balancer.js';
import { createDatabase, type TestDatabase } from './database.js';
import { type ServerOptions, startServer, type TestServer } from './server.js';

/** The graphs of the fault suite. */
const PROJECT = path.resolve(import.meta.dirname, '../faults/graphs');

/**
 * So long a run belongs to a process that is dead. Renewed eight times as often, for machines that have more to do than
 * they can. Other processes look for expired leases every five seconds.
 */
export const LEASE_MS = 4_000;
export const SHORT_LEASE = { NESTGRAPH_LEASE_SECS: String(LEASE_MS / 1000), NESTGRAPH_HEARTBEAT_SECS: '0.5' };

/** Where a cluster keeps its data. */
export type AnyDatabase = Pick<TestDatabase, 'uri' | 'pool' | 'drop'>;

/** A process of a cluster. */
export interface Member extends TestServer {
  freeze(): void;
  thaw(): void;
}

/** Processes of Nestgraph on one database, behind one address, as an operator runs them. */
export class Cluster {
  /** When processes were killed, and when others were frozen or told to stop, by process id. */
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

  /** Leads to any process that serves the API and has not been told to end. */
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

  /** What its processes have complained about. */
  complaints(): string[] {
    return this.members.flatMap((member) =>
      member
        .output()
        .split('\n')
        .filter((line) => /warn|error/i.test(line))
        .map((line) => `${member.pid}: ${line}`),
    );
  }

  /** Ends everything, frozen processes too. */
  async end(): Promise<void> {
    this.balancer.close();
    await Promise.all(this.members.map((member) => member.stop('SIGKILL')));
    await this.database.drop();
  }
}
