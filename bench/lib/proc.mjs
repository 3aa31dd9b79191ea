// Reads process statistics from /proc. On systems other than Linux all figures are 0.
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';

const isLinux = process.platform === 'linux';
/** One tick of the kernel's CPU accounting. */
const TICK_MS = 10;
const PAGE_BYTES = 4096;
export const MB = 1024 * 1024;

function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may contain any character.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number);
    return {
      parent: Number(fields[1]),
      own: utime + stime,
      ended: cutime + cstime,
      rss: Number(fields[21]) * PAGE_BYTES,
    };
  } catch {
    return undefined;
  }
}

/** CPU milliseconds that a process has used since its start. */
export const cpuMs = (pid) => (statOf(pid)?.own ?? 0) * TICK_MS;

/** The same with all its descendants, including those that have ended. */
export function treeCpuMs(root) {
  if (!isLinux) {
    return 0;
  }
  const stats = new Map();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(name) : undefined;
    if (stat) {
      stats.set(Number(name), stat);
    }
  }
  const descends = (pid) => pid === root || (stats.has(pid) && descends(stats.get(pid).parent));
  const ticks = [...stats].filter(([pid]) => descends(pid)).map(([, { own, ended }]) => own + ended);
  return ticks.reduce((sum, one) => sum + one, 0) * TICK_MS;
}

/** Memory that a process has in RAM, in MB. */
export const rssMb = (pid) => (statOf(pid)?.rss ?? 0) / MB;

/** CPU milliseconds of the whole machine: busy, and stolen by the hypervisor. */
export function machineCpuMs() {
  if (!isLinux) {
    return { busy: 0, stolen: 0 };
  }
  const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0];
  const [user, nice, system, , , irq, softirq, stolen] = line.trim().split(/\s+/).slice(1).map(Number);
  return { busy: (user + nice + system + irq + softirq) * TICK_MS, stolen: (stolen ?? 0) * TICK_MS };
}

export const machine = () => ({
  node: process.version,
  cpu: os.cpus()[0]?.model,
  cores: os.cpus().length,
  memory_gb: Math.round(os.totalmem() / 1024 / MB),
  kernel: os.release(),
});
