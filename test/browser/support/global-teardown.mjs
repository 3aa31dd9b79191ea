import { rmSync } from 'node:fs';
import tearDownDatabase from '../../support/global-teardown.mjs';

export default async function globalTeardown() {
  rmSync(process.env.TEST_BROWSER_FOLDER, { recursive: true, force: true });
  await tearDownDatabase();
}
