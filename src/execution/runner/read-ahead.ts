/**
 * Yields the parts of a stream, but reads them as soon as they are available. A web stream that fails discards its unread
 * parts, and with a slow consumer the last events of a graph before its error would be lost.
 */
export async function* readAhead<T>(stream: AsyncIterable<T>): AsyncGenerator<T, void> {
  const iterator = stream[Symbol.asyncIterator]();
  let parts: T[] = [];
  let end: (() => void) | undefined;
  let wake = (): void => undefined;
  const read = async (): Promise<void> => {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      parts.push(next.value);
      wake();
    }
  };
  const finish = (how: () => void): void => {
    end = how;
    wake();
  };
  read().then(
    () => finish(() => undefined),
    (error: unknown) =>
      finish(() => {
        throw error;
      }),
  );
  try {
    while (parts.length > 0 || !end) {
      if (parts.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const taken = parts;
      parts = [];
      yield* taken;
    }
    end();
  } finally {
    if (!end) {
      await iterator.return?.();
    }
  }
}
