import type { Page } from 'playwright-core';
import type { Item, Screen } from '../pages/screen.js';

/** How long anything on a page may take. */
const WAIT_TIMEOUT_MS = 10_000;

/** What a page has asked of a server. */
export interface Asked {
  method: string;
  url: string;
  body: string | null;
}

/** A page as its user sees it. */
export class PageView {
  /** Uncaught errors of the page. */
  readonly faults: string[] = [];
  /** What it has asked of servers, oldest first. */
  readonly requests: Asked[] = [];

  private failed = (): void => undefined;

  constructor(readonly page: Page) {
    page.setDefaultTimeout(WAIT_TIMEOUT_MS);
    page.on('pageerror', (error) => {
      this.faults.push(String(error));
      this.failed();
    });
    page.on('request', (request) =>
      this.requests.push({ method: request.method(), url: request.url(), body: request.postData() }),
    );
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url);
    await this.until(() => true);
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.until(() => true);
  }

  click(button: string): Promise<void> {
    return this.page.getByRole('button', { name: button, exact: true }).click();
  }

  type(text: string): Promise<void> {
    return this.page.getByLabel('Text', { exact: true }).fill(text);
  }

  async send(text: string): Promise<void> {
    await this.type(text);
    await this.click('Send');
  }

  /** Resolves when the page shows so many messages and is idle. */
  untilSaid(count: number): Promise<View> {
    return this.until(({ messages, isIdle }) => isIdle && messages.length === count);
  }

  /** Resolves with an uncaught error of the page, which then does not fail the test. */
  async untilFault(): Promise<string> {
    if (this.faults.length === 0) {
      await new Promise<void>((resolve) => (this.failed = resolve));
    }
    return this.faults.shift()!;
  }

  /** Everything that has been on the screen since the page was loaded, without repetitions of what a test looks at. */
  async past<T>(look: (view: View) => T): Promise<T[]> {
    const screens = await this.page.evaluate(() => window.screens);
    const looks = screens.map((screen) => look(new View(screen)));
    return looks.filter((seen, index) => index === 0 || JSON.stringify(seen) !== JSON.stringify(looks[index - 1]));
  }

  /** Resolves with the screen when it is right; looks at it whenever it changes. */
  async until(isRight: (view: View) => boolean): Promise<View> {
    let last: View | undefined;
    const deadline = Date.now() + WAIT_TIMEOUT_MS;
    for (let seen = 0; ;) {
      const screens = await this.page.evaluate(([count, timeout]) => window.screensAfter(count, timeout), [
        seen,
        deadline - Date.now(),
      ] as const);
      if (screens.length === 0) {
        throw new Error(`The page stays at ${JSON.stringify(last?.screen, null, 1)}`);
      }
      seen += screens.length;
      last = new View(screens.at(-1)!);
      if (isRight(last)) {
        return last;
      }
    }
  }
}

/** What a page of `useStream` shows at one moment. */
export class View {
  constructor(readonly screen: Screen) {}

  readonly part = (name: string): string => this.screen.parts[name] ?? '';

  readonly json = (name: string): unknown => JSON.parse(this.part(name)) as unknown;

  readonly list = (name: string): Item[] => this.screen.lists[name] ?? [];

  /** What callbacks of that name were given, oldest first. */
  readonly told = (name: string): unknown[] =>
    this.list('log')
      .filter((entry) => entry.name === name)
      .map(({ text }) => JSON.parse(text) as unknown);

  /** The texts of the messages. */
  get messages(): string[] {
    return this.list('messages').map(({ text }) => text);
  }

  get isIdle(): boolean {
    return this.part('status') === 'idle';
  }
}
