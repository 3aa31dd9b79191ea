import { spawn } from 'node:child_process';
import type { ServerAccount } from './server-account.js';

/** The complete environment of PostgreSQL's programs: messages in English, times in UTC. */
export const PROGRAM_ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC' };

export interface ProgramResult {
  /** `null` if a signal ended the program. */
  code: number | null;
  output: string;
}

/** Runs a program to completion. Rejects only if it cannot be started. */
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
      // A separate process group: Ctrl-C during the first start must reach this process first.
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
