import { appendFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits while `NAME.closed` exists in the folder GATES, and writes `NAME.waiting`: user code that takes as long as the test
 * requires.
 */
export async function pass(name: string): Promise<void> {
  const at = (suffix: string): string => path.join(process.env.GATES!, `${name}.${suffix}`);
  if (existsSync(at('closed'))) {
    appendFileSync(at('waiting'), '.');
    while (existsSync(at('closed'))) {
      await sleep(10);
    }
  }
}
