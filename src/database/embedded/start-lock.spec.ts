import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withStartLock } from './start-lock.js';

describe('the start lock', () => {
  let home: string;
  let file: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'nestgraph-spec-'));
    file = join(home, 'start.lock');
  });

  afterEach(() => rm(home, { recursive: true, force: true }));

  it('admits one process after the other', async () => {
    const events: string[] = [];
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let entered = (): void => undefined;
    const inside = new Promise<void>((resolve) => (entered = resolve));
    const first = withStartLock(home, async () => {
      entered();
      await gate;
      events.push('first');
    });
    await inside;
    const second = withStartLock(home, () => Promise.resolve(events.push('second')));
    open();
    await Promise.all([first, second]);
    expect(events).toEqual(['first', 'second']);
    expect(await readdir(home)).toEqual([]);
  });

  it('is released when the work fails', async () => {
    await expect(withStartLock(home, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withStartLock(home, () => Promise.resolve('yes'))).toBe('yes');
  });

  it('of a dead process is taken over', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await writeFile(file, `${child.pid} token`);
    expect(await withStartLock(home, () => Promise.resolve('in'))).toBe('in');
  });

  it('of an earlier process with the same pid is taken over, as after a container restart', async () => {
    await writeFile(file, `${process.pid} token`);
    expect(await withStartLock(home, () => Promise.resolve('in'))).toBe('in');
  });

  it('that is stale is taken over, even if it is empty or its pid exists again', async () => {
    const longAgo = new Date(Date.now() - 60_000);
    for (const content of ['', `${process.ppid} token`]) {
      await writeFile(file, content);
      await utimes(file, longAgo, longAgo);
      expect(await withStartLock(home, () => Promise.resolve('in'))).toBe('in');
    }
  });
});
