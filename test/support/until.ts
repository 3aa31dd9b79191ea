import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again until the answer is right. Only for what cannot be awaited: to be told, a client would have to join the
 * run, for example, and that changes how the run is treated. The test's own time limit ends it.
 */
export async function askUntil<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) {
      return answer;
    }
    await sleep(50);
  }
}
