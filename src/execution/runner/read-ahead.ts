/**
 * The parts of a stream, read as soon as they are there, however slowly they are taken: a web stream that fails throws away
 * what nobody has read yet, and the last thing a graph said before its error is what people look for.
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
