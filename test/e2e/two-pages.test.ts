// Two people, two browsers, one room: the whole product, judged by what leaves the loudspeakers.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  DEMO_TRACKS,
  METRONOME_TITLE,
  renderDemoTrack,
} from '../../src/adapters/media/demo/demo-tracks.ts';
import { heardBy, nowIn, putEarInto } from '../support/audio-ear.ts';
import { launchChromium, skipsWithoutChromium } from '../support/chromium.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';

/** The most that two pages may be apart, ms. */
const P95_MS = 15;
/** What a page may take to be in step again after it was disturbed. */
const SETTLE_MS = 3_000;
const FEWEST_CLICKS = 4;
/** Clicks of one number further apart than this are of two rounds of the track. */
const SAME_ROUND_MS = 10_000;
/** The ear is tried on a page that is made to be early. */
const NUDGE_MS = 60;

interface Distance {
  readonly clicks: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  /** How often an audio device was left without samples; what it garbled is not counted. */
  readonly starved: number;
}

/** How far apart the two pages played each click that both were heard to play. */
async function distance(a: Page, b: Page, fromMs: number, untilMs: number): Promise<Distance> {
  const [first, second] = await Promise.all([
    heardBy(a, fromMs, untilMs),
    heardBy(b, fromMs, untilMs),
  ]);
  const apart = first.clicks.flatMap(({ click, atMs }) => {
    const same = second.clicks
      .filter((other) => other.click === click)
      .map((other) => Math.abs(other.atMs - atMs))
      .filter((ms) => ms < SAME_ROUND_MS);
    return same.length === 0 ? [] : [Math.min(...same)];
  });
  apart.sort((x, y) => x - y);
  const at = (share: number): number =>
    apart[Math.min(apart.length - 1, Math.floor(apart.length * share))] ?? NaN;
  return {
    clicks: apart.length,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    maxMs: apart.at(-1) ?? NaN,
    starved: first.starved + second.starved,
  };
}

/** Listens for a while and prints how far apart the pages were. A starved device gets more time to be heard. */
async function listen(what: string, a: Page, b: Page, forMs: number): Promise<Distance> {
  const from = await nowIn(a);
  let found = await distance(a, b, from, from);
  for (let tries = 0; tries < 4 && found.clicks < FEWEST_CLICKS; tries += 1) {
    await a.waitForTimeout(forMs);
    found = await distance(a, b, from, await nowIn(a));
  }
  const { clicks, p50Ms, p95Ms, maxMs, starved } = found;
  const ms = (value: number): string => value.toFixed(2).padStart(7);
  console.log(
    `two pages: ${what.padEnd(22)} clicks ${String(clicks).padStart(3)}  p50 ${ms(p50Ms)}  p95 ${ms(p95Ms)}  max ${ms(maxMs)} ms` +
      (starved > 0 ? `  (audio device starved ${starved} times)` : ''),
  );
  expect(clicks, `${what}: clicks that both pages were heard to play`).toBeGreaterThanOrEqual(
    FEWEST_CLICKS,
  );
  return found;
}

async function judge(what: string, a: Page, b: Page, forMs: number): Promise<Distance> {
  const found = await listen(what, a, b, forMs);
  expect(found.p95Ms, `${what}: p95 of the distance between the pages, ms`).toBeLessThanOrEqual(
    P95_MS,
  );
  return found;
}

describe.skipIf(skipsWithoutChromium('two pages'))('two pages in one room', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  const complaints: string[] = [];
  let browser: Browser;
  let earshot: EarshotProcess;
  let proxy: CutProxy;

  beforeAll(async () => {
    const temporary = await temporaryDir();
    cleanUps.push(() => temporary.remove());
    const music = path.join(temporary.dir, 'music');
    await mkdir(music);
    const metronome = DEMO_TRACKS.find(({ title }) => title === METRONOME_TITLE);
    if (metronome === undefined) throw new Error('no metronome');
    await writeFile(path.join(music, 'Metronome.wav'), renderDemoTrack(metronome));
    earshot = await EarshotProcess.start({
      DATA_DIR: path.join(temporary.dir, 'data'),
      MEDIA_DIR: music,
    });
    cleanUps.push(() => earshot.kill());
    proxy = await CutProxy.to(earshot.port);
    cleanUps.push(() => proxy.stop());
    browser = await launchChromium();
    cleanUps.push(() => browser.close());
  }, 90_000);

  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  async function openPage(): Promise<Page> {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      bypassCSP: true,
    });
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    await putEarInto(page);
    return page;
  }

  it(
    'hear the same moment, and do so again after whatever happens',
    { timeout: 260_000, retry: 1 },
    async () => {
      const ana = await openPage();
      await ana.goto(earshot.url);
      await ana.getByLabel('Your name').fill('Ana');
      await ana.getByLabel('Name of the room').fill('Kitchen');
      await ana.getByRole('button', { name: 'Start the room' }).click();
      const add = ana.getByRole('button', { name: `Add ${METRONOME_TITLE} to the end` });
      for (let n = 0; n < 4; n += 1) await add.click();
      await ana.getByRole('button', { name: 'Listen' }).click();

      const ben = await openPage();
      const link = new URL(ana.url());
      link.port = String(proxy.port);
      await ben.goto(link.href);
      await ben.getByLabel('Your name').fill('Ben');
      await ben.getByRole('button', { name: 'Enter the room' }).click();
      await ben.getByRole('button', { name: 'Listen' }).click();
      await ana.getByRole('button', { name: 'Play', exact: true }).click();
      await ana.waitForTimeout(SETTLE_MS);
      const { clicks } = await judge('60 s of playing', ana, ben, 60_000);
      expect(clicks, 'clicks of a minute, less what a starved device garbled').toBeGreaterThan(40);

      await ana.getByRole('slider', { name: 'Position in the track' }).press('ArrowRight');
      await ana.waitForTimeout(SETTLE_MS);
      await judge('after a seek', ana, ben, 6_000);

      await ben.getByRole('button', { name: 'Skip', exact: true }).click();
      await ana.waitForTimeout(SETTLE_MS);
      await judge('after a skip', ana, ben, 6_000);

      await ben.reload();
      await ben.getByRole('button', { name: 'Listen' }).click();
      await ana.waitForTimeout(SETTLE_MS);
      await judge('after a reload', ana, ben, 6_000);

      proxy.cut();
      await ana.waitForTimeout(2_000);
      // Ben, who plays on alone from what is planned, does not hear of this until he is back.
      await ana.getByRole('slider', { name: 'Position in the track' }).press('ArrowRight');
      await ana.waitForTimeout(3_000);
      proxy.mend();
      // Its back-off has grown while there was no network; it comes back by itself.
      await ben
        .getByText(/^(?:Connection lost|Reconnecting)/)
        .waitFor({ state: 'detached', timeout: 60_000 });
      await ana.waitForTimeout(SETTLE_MS);
      await judge('after a cut of 5 s', ana, ben, 6_000);

      // What would this test say if they were not in step?
      await ben.getByRole('button', { name: 'Settings' }).click();
      await ben.getByLabel(/^Nudge my sound/).fill(String(NUDGE_MS));
      await ana.waitForTimeout(SETTLE_MS);
      const { p50Ms } = await listen(`nudged by ${NUDGE_MS} ms`, ana, ben, 6_000);
      expect(Math.abs(p50Ms - NUDGE_MS), 'the ear hears a page that is early').toBeLessThan(10);
      expect(complaints, 'what the pages threw').toEqual([]);
      await ana.context().close();
      await ben.context().close();
    },
  );
});
