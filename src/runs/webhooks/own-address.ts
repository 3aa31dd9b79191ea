import type { Server } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';

/** The loopback host for a server that listens on all addresses. */
const LOOPBACK_HOSTS: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

/** The address at which this process can call itself. */
@Injectable()
export class OwnAddress {
  constructor(
    private readonly host: HttpAdapterHost,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /**
   * The URL up to and including the mount prefix; undefined while this process does not listen. A worker never listens.
   */
  get base(): string | undefined {
    // A worker has no adapter.
    const adapter = this.host.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    const listening = (adapter?.getHttpServer() as Server | undefined)?.address();
    if (!listening || typeof listening === 'string') {
      return undefined;
    }
    const { address, port, family } = listening;
    const name = LOOPBACK_HOSTS[address] ?? (family === 'IPv6' ? `[${address}]` : address);
    return `http://${name}:${port}${this.config.server.mount_prefix}`;
  }

  /** Registers a listener for the moment when this process starts to listen. */
  onListen(listener: () => void): void {
    this.host.listen$.subscribe(listener);
  }
}
