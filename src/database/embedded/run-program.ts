import { spawn } from 'node:child_process';
import type { ServerAccount } from './server-account.js';

/** All that PostgreSQL's programs see of our environment: messages in English, times in UTC. */
export const PROGRAM_ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC' };

export interface ProgramResult {
  /** `null` when a signal ended it */
  code: number | null;
  output: string;
}

/** Runs a program to its end. Rejects only when it cannot be started at all. */
export function runProgram(
  file: string,
  args: string[],
  options: { account: ServerAccount | undefined; cwd: string },
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...options.account,
      cwd: options.cwd,
      env: PROGRAM_ENVIRONMENT,
      // In a process group of its own, so that Ctrl-C during the first start does not hit it before us.
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output: output.trim() }));
  });
}
