import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { noteCall, noteTestsOf } from '../../support/note-calls.js';
import type { Settings } from '../pages/settings.js';
import { type PageServer, startPageServer } from './page-server.js';
import { PageView } from './page-view.js';

/** The SDK's versions whose hooks are tested (contract 0.1). */
export const VERSIONS = ['1.15.0', '2.0.0'] as const;
export type Version = (typeof VERSIONS)[number];

/** The client in the table of docs/compatibility.md. */
const clientOf = (version: Version): string => `JavaScript ${version} in the browser`;

/** Nothing that goes to the internet; a sandbox needs an account that is not root. */
const ARGUMENTS = [
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

/** What a test is given to open pages with. */
export interface Scene {
  version: Version;
  /** Where the pages come from. */
  origin: string;
  /** Opens a page with this version of the SDK, in the tab of its own of a user of its own. */
  open: (page: string, settings: Settings, place?: { origin?: string; threadId?: string }) => Promise<PageView>;
}

type Body = (scene: Scene) => Promise<void>;

/** As `it`, and as `it.each` with a part of the name and a value for each test. */
interface DefineTest {
  (name: string, body: Body): void;
  each: <T>(
    rows: [part: string, value: T][],
  ) => (name: string, body: (scene: Scene, value: T) => Promise<void>) => void;
}

let browser: Browser;
let pages: PageServer;
const contexts: BrowserContext[] = [];

/** The origin of the pages; known once `beforeAll` has begun. */
export const pageOrigin = (host = '127.0.0.1'): string => `http://${host}:${pages.port}`;

/** To be called once in a file, before its server is started. */
export function useBrowser(): void {
  beforeAll(async () => {
    pages = await startPageServer();
    browser = await chromium.launch({ executablePath: process.env.TEST_CHROMIUM, args: ARGUMENTS });
  });
  afterEach(() => Promise.all(contexts.splice(0).map((context) => context.close())));
  afterAll(async () => {
    await browser?.close();
    await pages?.close();
  });
}

/** Tests that are run with each version of the SDK. */
export function withBothSdks(title: string, define: (test: DefineTest, version: Version) => void): void {
  describe.each(VERSIONS)(`${title}, with SDK %s`, (version) => {
    const test: DefineTest = (name, body) => it(name, () => run(version, body));
    test.each = (rows) => (name, body) =>
      rows.forEach(([part, value]) => test(name.replace('%s', part), (scene) => body(scene, value)));
    noteTestsOf(clientOf(version));
    define(test, version);
  });
}

async function run(version: Version, body: Body): Promise<void> {
  const views: PageView[] = [];
  await body({
    version,
    origin: pageOrigin(),
    open: async (name, settings, { origin = pageOrigin(), threadId } = {}) => {
      const context = await browser.newContext();
      contexts.push(context);
      await context.exposeFunction('sdkCalled', (method: string) => noteCall(clientOf(version), method));
      const view = new PageView(await context.newPage());
      views.push(view);
      const query = threadId === undefined ? '' : `?threadId=${threadId}`;
      await view.goto(`${origin}/${version}/${name}${query}#${encodeURIComponent(JSON.stringify(settings))}`);
      return view;
    },
  });
  // Uncaught errors: a page must not fail unnoticed.
  expect(views.flatMap((view) => view.faults)).toEqual([]);
}
