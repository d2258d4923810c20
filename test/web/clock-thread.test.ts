// The clock in a real browser: its thread goes on while the page stands still, and while nobody sees it.
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EarshotApi } from '../../src/client/rest.ts';
import { skipsWithoutChromium } from '../support/chromium.ts';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { freePort } from '../support/free-port.ts';
import { hubTruth, type HubTruth } from '../support/hub-truth.ts';
import {
  PlainTabs,
  THROTTLING_SWITCHES,
  throttlesAfter,
  type PlainTab,
} from '../support/plain-tabs.ts';
import { startClockLab, type LabServer } from './clock-lab/lab-server.ts';
import type { LabExchange, LabSample } from './clock-lab/lab.ts';

const STALL_MS = 2_000;
const JOINED_MS = 3_000;
/** From hiding to the next probes: as seldom as a hidden tab is promised to. */
const HIDDEN_MS = 30_000;
/** The stamps of a hub and a page that share two cores with everything else. */
const BUSY_MACHINE_MS = 5;

describe.skipIf(skipsWithoutChromium('the clock’s thread'))('the clock’s thread', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  let browser: Browser;
  let earshot: EarshotProcess;
  let lab: LabServer;
  let strictLab: LabServer;
  let truth: HubTruth;

  beforeAll(async () => {
    lab = await startClockLab();
    cleanUps.push(() => lab.stop());
    strictLab = await startClockLab(`script-src 'self'; worker-src 'none'`);
    cleanUps.push(() => strictLab.stop());
    const port = await freePort();
    const temporary = await temporaryDir();
    cleanUps.push(() => temporary.remove());
    earshot = await EarshotProcess.start({
      DATA_DIR: temporary.dir,
      PORT: String(port),
      ALLOWED_ORIGINS: [lab.origin, strictLab.origin, `http://127.0.0.1:${port}`].join(),
    });
    cleanUps.push(() => earshot.kill());
    browser = await chromium.launch({
      executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', throttlesAfter(10)],
      ignoreDefaultArgs: THROTTLING_SWITCHES,
    });
    cleanUps.push(() => browser.close());
    truth = await hubTruth(earshot.port, await token('Truth'), 60);
  });

  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  async function token(name: string): Promise<string> {
    return (await new EarshotApi({ url: earshot.url }).createGuest(name)).token;
  }

  async function openLab(
    tabs: PlainTabs,
    clockIn: 'worker' | 'page',
    url = lab.url,
  ): Promise<PlainTab> {
    const tab = await tabs.open(url, { inNewWindow: true });
    await tab.until(`'clockLab' in globalThis`);
    const parts = [earshot.url, await token(clockIn), clockIn].map((part) => JSON.stringify(part));
    await tab.evaluate(`clockLab.open(${parts.join()})`);
    await tab.until(`clockLab.sample()?.status.quality === 'good'`);
    // The quick bursts of the join are over: what is asked for from here on comes at once.
    await new Promise((resolve) => setTimeout(resolve, JOINED_MS));
    return tab;
  }

  const exchangesOf = (tab: PlainTab): Promise<LabExchange[]> => tab.evaluate('clockLab.exchanges');

  /** How far hub time in the page is from hub time, ms; never further than the page itself proves. */
  async function errorOf(tab: PlainTab): Promise<number> {
    const sample = await tab.evaluate<LabSample>('clockLab.sample()');
    const trueMs = sample.pageMs + (await tab.originMs()) + truth.offsetMs;
    const errorMs = Math.abs(sample.hubMs - trueMs);
    // A tenth for the grain of what the page reads.
    expect(errorMs).toBeLessThanOrEqual(sample.status.maxErrorMs + truth.errorMs + 0.1);
    expect(sample.status.quality).toBe('good');
    return errorMs;
  }

  /** Asks for probes and stands still at once. @returns those that were sent meanwhile */
  async function stalled(tab: PlainTab): Promise<LabExchange[]> {
    const [from, until] = await tab.evaluate<[number, number]>(
      `[performance.now(), (clockLab.client.clock.wake(), clockLab.stall(${STALL_MS}))[1]]`,
    );
    await tab.until(`clockLab.exchanges.at(-1).t0 >= ${from}`);
    const exchanges = await exchangesOf(tab);
    return exchanges.filter(({ t0 }) => t0 >= from && t0 < until);
  }

  /** What is to be seen in the page: a reply waits until the page is done, and is stamped then. */
  async function expectLate(tab: PlainTab): Promise<void> {
    const late = await stalled(tab);
    expect(Math.max(...late.map(({ rttMs }) => rttMs))).toBeGreaterThan(STALL_MS / 2);
  }

  it('goes on through a page that stands still, and in one that is hidden', async () => {
    const tabs = await PlainTabs.of(browser);
    const page = await openLab(tabs, 'page');
    const worker = await openLab(tabs, 'worker');

    await expectLate(page);
    const clean = await stalled(worker);
    expect(clean.length).toBeGreaterThanOrEqual(2);
    const fastest = Math.min(...clean.map(({ rttMs }) => rttMs));
    expect(fastest).toBeLessThan(STALL_MS / 20);
    expect(Math.max(...clean.map(({ rttMs }) => rttMs))).toBeLessThan(STALL_MS / 2);
    expect(await errorOf(worker)).toBeLessThan(BUSY_MACHINE_MS);
    await page.close();

    await worker.evaluate('clockLab.watchTimers()');
    const front = await tabs.open('about:blank');
    await worker.until('document.hidden');
    const [hiddenAt, before] = await worker.evaluate<[number, number]>(
      '[performance.now(), clockLab.exchanges.length]',
    );
    await worker.until(`clockLab.exchanges.length >= ${before} + 3`, HIDDEN_MS + 10_000);
    const hidden = (await exchangesOf(worker)).filter(({ t0 }) => t0 > hiddenAt);
    // At their own pace, 15 to 30 ms from one to the next, where the page's timers run once a second, and then once a minute.
    expect(hidden.length).toBeLessThanOrEqual(6);
    expect(hidden.at(-1)!.t0 - hidden.at(-3)!.t0).toBeLessThan(700);
    const gapsMs = await worker.evaluate<number[]>('clockLab.timerGapsMs');
    expect(Math.max(...gapsMs)).toBeGreaterThan(700);
    expect(await errorOf(worker)).toBeLessThan(BUSY_MACHINE_MS);
    await front.close();
    await worker.close();
  }, 80_000);

  it('is the page’s where a policy forbids workers, and nothing is lost', async () => {
    const tab = await openLab(await PlainTabs.of(browser), 'worker', strictLab.url);
    await expectLate(tab);
    await errorOf(tab);
    await tab.close();
  }, 30_000);

  it('has a worker in Earshot’s own page, under its own policy', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    const started = page.waitForEvent('worker');
    await page.goto(earshot.url);
    await page.getByLabel('Your name').fill('Ana');
    await page.getByLabel('Name of the room').fill('Kitchen');
    await page.getByRole('button', { name: 'Start the room' }).click();
    const worker = await started;
    expect(worker.url()).toContain('/assets/wire-worker');
    // The room is there, so the socket is, and it is not the page's.
    await page.getByRole('heading', { name: 'Kitchen' }).waitFor();
    expect(page.workers()).toHaveLength(1);
    expect(complaints).toEqual([]);
    await context.close();
  }, 30_000);
});
