// Owns the page in real Chromium over a made-up room: opens it, tells what it asked for, and whether everybody can use it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { startFixtureServer, type FixtureServer } from './fixture/fixture-server.ts';
import type {} from './fixture/fixture.ts';

export const ROOM = '/r/KTRN4827';
export const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };
const AXE_SOURCE = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);

/** Runs in the page, where axe was put before. @param rules all where absent */
async function runAxe(rules?: readonly string[]) {
  const { axe } = window as unknown as { axe: { run(options: object): Promise<AxeResults> } };
  const results = await axe.run({
    resultTypes: ['violations'],
    ...(rules && { runOnly: { type: 'rule', values: rules } }),
  });
  return results.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`,
  );
}

type PageOptions = BrowserContextOptions & { readonly known?: boolean };

export class PageWorld {
  readonly #browser: Browser;
  readonly #server: FixtureServer;
  readonly #complaints: string[] = [];
  /** Most tests need nothing special of their context: making a new one for each takes most of the time. */
  #usual: Page | undefined;

  private constructor(browser: Browser, server: FixtureServer) {
    this.#browser = browser;
    this.#server = server;
  }

  static async start(): Promise<PageWorld> {
    const server = await startFixtureServer();
    return new PageWorld(await launchChromium(), server);
  }

  get url(): string {
    return this.#server.url;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.#server.stop();
  }

  /** After each test: nothing was thrown, logged as an error, or refused by the policy. */
  async rest(): Promise<void> {
    for (const context of this.#browser.contexts()) {
      if (context !== this.#usual?.context()) await context.close();
    }
    expect(this.#complaints.splice(0)).toEqual([]);
  }

  async open(path: string, special?: PageOptions): Promise<Page> {
    const page =
      special === undefined
        ? (this.#usual ??= await this.#newPage({}))
        : await this.#newPage(special);
    await page.goto(this.url + path);
    return page;
  }

  async #newPage({ known = true, ...options }: PageOptions): Promise<Page> {
    const context = await this.#browser.newContext({
      viewport: DESK,
      reducedMotion: 'reduce',
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => this.#complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.#complaints.push(message.text());
    });
    if (known) {
      await page.addInitScript(() => {
        const guest = {
          name: 'Ana',
          token: 'not-a-token',
          grantedAtMs: Date.now(),
          expiresAtMs: Date.now() + 86_400_000,
        };
        localStorage.setItem('earshot.guest', JSON.stringify(guest));
      });
    }
    return page;
  }
}

/** What the page asked of its room, in order. */
export function calls(page: Page): Promise<string[]> {
  return page.evaluate(() => window.fixture.client.room.calls);
}

export async function waitForCall(page: Page, call: string): Promise<void> {
  await page.waitForFunction((one) => window.fixture.client.room.calls.includes(one), call);
}

/** Every rule in the light; in the dark the contrasts, which alone may differ. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  // As the debugger does it: a script element would be refused by the page's policy.
  await page.evaluate(AXE_SOURCE);
  const violations = await page.evaluate(runAxe, undefined);
  expect(violations, `${what}, light`).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await page.evaluate(runAxe, ['color-contrast']);
  expect(dark, `${what}, dark`).toEqual([]);
  await page.emulateMedia({ colorScheme: 'light' });
}
