import type { Server } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CONFIG, type NestgraphConfig } from '../../config/index.js';

/** What a server that listens everywhere is reached at from its own machine. */
const FROM_INSIDE: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

/** Where this process itself can be called. */
@Injectable()
export class OwnAddress {
  constructor(
    private readonly host: HttpAdapterHost,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {}

  /** Up to the mount prefix; undefined while this process does not listen, as a worker never does. */
  get base(): string | undefined {
    // A worker has no adapter.
    const adapter = this.host.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    const listening = (adapter?.getHttpServer() as Server | undefined)?.address();
    if (!listening || typeof listening === 'string') {
      return undefined;
    }
    const { address, port, family } = listening;
    const name = FROM_INSIDE[address] ?? (family === 'IPv6' ? `[${address}]` : address);
    return `http://${name}:${port}${this.config.server.mount_prefix}`;
  }

  /** Called when this process begins to listen. */
  onListen(listener: () => void): void {
    this.host.listen$.subscribe(listener);
  }
}
