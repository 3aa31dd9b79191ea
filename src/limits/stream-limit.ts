import { Inject, Injectable } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { onClose } from '../http/index.js';
import { CONFIG, type NestgraphConfig } from '../config/index.js';
import { TooManyStreamsError } from './limits.errors.js';

/** Counts the open streams and waits of each caller of one server. */
@Injectable()
export class StreamLimit {
  private readonly limit: number;
  /** Number of open responses by caller. */
  private readonly open = new Map<string, number>();

  constructor(@Inject(CONFIG) { limits }: Pick<NestgraphConfig, 'limits'>) {
    this.limit = limits.streams_per_caller;
  }

  /** Counts the response until it is closed. Throws {@link TooManyStreamsError}. */
  take(caller: string, response: ServerResponse): void {
    if (this.limit === 0) {
      return;
    }
    const before = this.open.get(caller) ?? 0;
    if (before >= this.limit) {
      throw new TooManyStreamsError(this.limit);
    }
    this.open.set(caller, before + 1);
    onClose(response, () => this.release(caller));
  }

  private release(caller: string): void {
    const left = (this.open.get(caller) ?? 1) - 1;
    if (left > 0) {
      this.open.set(caller, left);
    } else {
      this.open.delete(caller);
    }
  }
}
