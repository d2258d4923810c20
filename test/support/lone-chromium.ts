// Owns a Chromium whose pages are windows as a person's are: one that is minimized is hidden, and throttled as hidden pages are.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core';
import { chromiumPath } from './chromium.ts';
import { temporaryDir } from './earshot-process.ts';

/** Seconds of a core that each kind of the browser's processes took since it began. */
export type BrowserCpu = Readonly<Record<string, number>>;

/** Playwright's own launch tells every page that it is seen and in front; this one leaves that to the browser. */
export class LoneChromium {
  readonly #browser: Browser;
  readonly #session: CDPSession;
  readonly #stops: (() => Promise<unknown>)[];

  private constructor(browser: Browser, session: CDPSession, stops: (() => Promise<unknown>)[]) {
    this.#browser = browser;
    this.#session = session;
    this.#stops = stops;
  }

  static async start(): Promise<LoneChromium> {
    const profile = await temporaryDir();
    const child = spawn(
      chromiumPath,
      [
        '--headless=new',
        '--no-sandbox',
        '--no-first-run',
        '--remote-debugging-port=0',
        '--autoplay-policy=no-user-gesture-required',
        `--user-data-dir=${profile.dir}`,
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const address = await new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error('Chromium ended at once')));
      createInterface({ input: child.stderr }).on('line', (line) => {
        const found = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    const browser = await chromium.connectOverCDP(address, { noDefaults: true });
    const stops = [
      () => browser.close(),
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      },
      () => profile.remove(),
    ];
    return new LoneChromium(browser, await browser.newBrowserCDPSession(), stops);
  }

  /** An empty page in a window of its own. */
  async openWindow(): Promise<Page> {
    const context = this.#browser.contexts()[0];
    if (context === undefined) throw new Error('Chromium has no context');
    const page = context.waitForEvent('page');
    await this.#session.send('Target.createTarget', { url: 'about:blank', newWindow: true });
    return page;
  }

  /** As a person does who looks at something else. */
  async setHidden(page: Page, hidden: boolean): Promise<void> {
    const session = await page.context().newCDPSession(page);
    const { windowId } = await session.send('Browser.getWindowForTarget');
    const windowState = hidden ? 'minimized' : 'normal';
    await session.send('Browser.setWindowBounds', { windowId, bounds: { windowState } });
    await session.detach();
  }

  async cpuSeconds(): Promise<BrowserCpu> {
    const { processInfo } = await this.#session.send('SystemInfo.getProcessInfo');
    const seconds: Record<string, number> = {};
    for (const { type, cpuTime } of processInfo) seconds[type] = (seconds[type] ?? 0) + cpuTime;
    return seconds;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop();
  }
}
