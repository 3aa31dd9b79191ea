import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Polls until the answer is right. Only for conditions that cannot be awaited: for a notification, a client would have to
 * join the run, for example, which changes how the run is treated. The timeout of the test ends it.
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
