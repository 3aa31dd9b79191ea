import type { Readable } from 'node:stream';

/** Output that arrives in chunks, with promises that wait for a pattern in it. */
export class ArrivingText {
  private arrived = '';
  private readonly listeners = new Set<() => void>();

  get text(): string {
    return this.arrived;
  }

  readFrom(stream: Readable): void {
    stream.setEncoding('utf8');
    stream.on('data', (piece: string) => {
      this.arrived += piece;
      this.listeners.forEach((listener) => listener());
    });
  }

  /** Resolves when the output so far matches. */
  until(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (pattern.test(this.arrived)) {
          this.listeners.delete(look);
          resolve();
        }
      };
      this.listeners.add(look);
      look();
    });
  }
}
