import { readFile, readlink } from 'node:fs/promises';
import { hasErrorCode } from './error-code.js';
import { runProgram } from './run-program.js';

/** Whether a process with this pid exists, including zombies. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasErrorCode(error, 'EPERM');
  }
}

/** Whether a process has ended: it does not exist, or is a zombie that its parent has not reaped yet. */
export const hasEnded = async (pid: number): Promise<boolean> => !isAlive(pid) || isZombie(await linuxState(pid));

/** The state of a process on Linux, one letter. Undefined if it does not exist, and on other systems. */
async function linuxState(pid: number): Promise<string | undefined> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // "4711 (postgres) Z ...": the name in brackets may contain anything.
  return status.slice(status.lastIndexOf(')') + 2)[0];
}

const isZombie = (state: string | undefined): boolean => state === 'Z' || state === 'X';

/**
 * Whether an existing process is the server of this data directory: neither a zombie nor another program that reuses the pid
 * of a dead server. Returns true in doubt, because two servers on the same data would destroy it.
 */
export async function isServerOf(pid: number, data: string): Promise<boolean> {
  if (pid === process.pid) {
    return false;
  }
  if (process.platform === 'linux') {
    return isServerOnLinux(pid, data);
  }
  if (process.platform === 'win32') {
    const output = await outputOf('tasklist', ['/FI', `PID eq ${pid}`, '/NH', '/FO', 'CSV']);
    return output === '' || output.toLowerCase().includes('postgres');
  }
  const output = await outputOf('/bin/ps', ['-ww', '-o', 'stat=,command=', '-p', String(pid)]);
  return output === '' ? isAlive(pid) : !output.startsWith('Z') && output.includes('postgres');
}

async function outputOf(file: string, args: string[]): Promise<string> {
  const result = await runProgram(file, args, { account: undefined, cwd: '/' }).catch(() => ({ output: '' }));
  return result.output;
}

async function isServerOnLinux(pid: number, data: string): Promise<boolean> {
  if (isZombie(await linuxState(pid))) {
    return false;
  }
  try {
    // The working directory of a server is its data directory, from before it writes postmaster.pid until it ends.
    return (await readlink(`/proc/${pid}/cwd`)) === data;
  } catch (error) {
    return !hasErrorCode(error, 'ENOENT', 'ESRCH');
  }
}
