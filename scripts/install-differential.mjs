// Installs the official server for the differential tests if its lock file is newer than the installed packages.
import { execSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../test/differential');
const changed = (file) => statSync(path.join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (changed('package-lock.json') > changed('node_modules/.package-lock.json')) {
  execSync('npm ci --no-audit --no-fund', { cwd: folder, stdio: 'inherit' });
}
