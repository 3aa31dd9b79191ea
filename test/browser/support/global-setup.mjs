// What all files share: the database, and the pages as browsers want them.
import { existsSync, mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import setUpDatabase from '../../support/global-setup.mjs';
import { bundlePages } from './bundle-pages.mjs';

export default async function globalSetup() {
  process.env.TEST_CHROMIUM ||= '/usr/bin/chromium';
  if (!existsSync(process.env.TEST_CHROMIUM)) {
    throw new Error(
      `There is no Chromium at ${process.env.TEST_CHROMIUM}. Install it (on Debian: apt-get install chromium), ` +
        'or let TEST_CHROMIUM say where a Chromium or Chrome is.',
    );
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-browser-'));
  process.env.TEST_BROWSER_FOLDER = folder;
  await bundlePages(path.join(folder, 'pages'));
  await setUpDatabase();
}
