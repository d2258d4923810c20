// Two people with the page in real browsers hear the same click at the same moment, measured from the sound that leaves them.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRONOME } from '../../src/adapters/media/demo/metronome.ts';
import { writeDemoTracks } from '../../src/adapters/media/demo/write-demo-tracks.ts';
import { AudioTap, type HeardClick } from '../support/audio-tap.ts';
import { launchChromium, skipsWithoutChromium } from '../support/chromium.ts';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';

const METRONOME_FILE = '07 Metronome.wav';
const OTHER_FILE = '04 Pocket Comet.wav';

/** Nineteen of twenty clicks leave both pages within so much of each other. */
const IN_STEP_MS = 15;
/** So many clicks in a row within it are being in step again. */
const STEADY_CLICKS = 4;
/** Clicks of one number further apart than this are of two rounds of the track. */
const SAME_ROUND_MS = 3_000;
/** A page that plays on leaves out no more than this share of the clicks. */
const LEAST_HEARD_SHARE = 0.9;

interface Pair {
  /** When the first of the two left, Unix ms. */
  readonly atMs: number;
  /** Ana's less Ben's: positive is Ana late. */
  readonly differenceMs: number;
}

interface Phase {
  readonly name: string;
  /** When what it is about was done. */
  readonly fromMs: number;
  /** Time to come back, ms, after which everything counts. */
  readonly settlingMs: number;
  readonly untilMs: number;
}

/** Every click of Ana's with the same one of Ben's. */
function pair(ana: readonly HeardClick[], ben: readonly HeardClick[]): Pair[] {
  return ana.flatMap(({ click, atMs }) => {
    const same = ben
      .filter((one) => one.click === click && Math.abs(one.atMs - atMs) < SAME_ROUND_MS)
      .sort((a, b) => Math.abs(a.atMs - atMs) - Math.abs(b.atMs - atMs))[0];
    if (same === undefined) return [];
    return [{ atMs: Math.min(atMs, same.atMs), differenceMs: atMs - same.atMs }];
  });
}

/** From what was done to the first of several pairs in step, ms; undefined where that never was. */
function backAfterMs(pairs: readonly Pair[], phase: Phase): number | undefined {
  const after = pairs.filter(({ atMs }) => atMs >= phase.fromMs && atMs <= phase.untilMs);
  const first = after.findIndex((_, i) => {
    const run = after.slice(i, i + STEADY_CLICKS);
    return (
      run.length === STEADY_CLICKS &&
      run.every(({ differenceMs }) => Math.abs(differenceMs) <= IN_STEP_MS)
    );
  });
  const found = after[first];
  return found === undefined ? undefined : found.atMs - phase.fromMs;
}

function figuresOf(pairs: readonly Pair[], { fromMs, settlingMs, untilMs }: Phase) {
  const counted = pairs.filter(({ atMs }) => atMs >= fromMs + settlingMs && atMs <= untilMs);
  const sizes = counted.map(({ differenceMs }) => Math.abs(differenceMs)).sort((a, b) => a - b);
  const at = (share: number): number =>
    sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * share))] ?? NaN;
  return { n: sizes.length, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: sizes.at(-1) ?? NaN };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(skipsWithoutChromium('two pages'))('two pages in one room', () => {
  let hub: EarshotProcess;
  let browser: Browser;
  let bensNetwork: CuttableProxy;
  const cleanUps: (() => Promise<unknown>)[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    const media = await temporaryDir();
    const data = await temporaryDir();
    cleanUps.push(media.remove, data.remove);
    await writeDemoTracks({ dir: media.dir, fileNames: [METRONOME_FILE, OTHER_FILE] });
    hub = await EarshotProcess.start({ DATA_DIR: data.dir, MEDIA_DIR: media.dir });
    cleanUps.push(() => hub.end('SIGTERM'));
    bensNetwork = await CuttableProxy.start(hub.port);
    cleanUps.push(() => bensNetwork.stop());
    browser = await launchChromium();
    cleanUps.push(() => browser.close());
  }, 90_000);

  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  async function person(): Promise<{ page: Page; tap: AudioTap }> {
    const context: BrowserContext = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      // The worklet of the tap is no part of the page.
      bypassCSP: true,
    });
    const tap = await AudioTap.on(context);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => complaints.push(String(error)));
    return { page, tap };
  }

  const press = (page: Page, name: string): Promise<void> =>
    page.getByRole('button', { name, exact: true }).click();

  /** What the page itself believes. */
  const chip = async (page: Page): Promise<string> =>
    (await page.locator('.chip').first().textContent()) ?? '';

  it('plays in step for a minute, and again after a seek, a skip, a reload and a cut network', async () => {
    const ana = await person();
    const ben = await person();
    const phases: Phase[] = [];
    const beliefs: string[] = [];
    const phase = async (
      name: string,
      settlingMs: number,
      lengthMs: number,
      act: () => Promise<unknown>,
    ): Promise<void> => {
      const fromMs = Date.now();
      await act();
      await pause(fromMs + settlingMs + lengthMs - Date.now());
      phases.push({ name, fromMs, settlingMs, untilMs: Date.now() });
      beliefs.push(`${await chip(ana.page)} / ${await chip(ben.page)}`);
    };

    await ana.page.goto(hub.url);
    await ana.page.getByLabel('Your name').fill('Ana');
    await press(ana.page, 'Start the room');
    await press(ana.page, 'Add Metronome to the end');
    await press(ana.page, 'Add Pocket Comet to the end');
    await press(ana.page, 'Done');
    await ben.page.goto(bensNetwork.url + new URL(ana.page.url()).pathname);
    await ben.page.getByLabel('Your name').fill('Ben');
    await press(ben.page, 'Enter the room');
    await press(ana.page, 'Listen');
    await press(ben.page, 'Listen');
    // Round and round: the minute has a boundary in it.
    await press(ana.page, 'Repeat: off');
    await press(ana.page, 'Repeat: all');
    await ana.page.getByRole('button', { name: 'Repeat: this track' }).waitFor();

    await phase('play', 5_000, 60_000, () => press(ana.page, 'Play'));
    await phase('seek', 3_000, 8_000, async () => {
      await ana.page.getByRole('slider', { name: 'Position in the track' }).focus();
      await ana.page.keyboard.press('PageDown');
      await ana.page.keyboard.press('ArrowRight');
    });
    await press(ana.page, 'Skip');
    for (const { page } of [ana, ben]) {
      await page.getByRole('heading', { name: 'Pocket Comet' }).waitFor();
    }
    await pause(1_500);
    await phase('skip and back', 3_000, 8_000, () => press(ana.page, 'Previous'));
    await phase('reload', 5_000, 8_000, async () => {
      ben.tap.reloads();
      await ben.page.reload();
      await press(ben.page, 'Listen');
    });
    expect(bensNetwork.connections, 'Ben is on the network that is cut').toBeGreaterThan(0);
    await bensNetwork.cut();
    const cutMs = Date.now();
    await ben.page.getByRole('alert').filter({ hasText: 'Connection lost' }).waitFor();
    // What Ben cannot know yet: without the network nothing tells him.
    await ana.page.getByRole('slider', { name: 'Position in the track' }).focus();
    await ana.page.keyboard.press('Home');
    await pause(cutMs + 5_000 - Date.now());
    await phase('cut of 5 s', 6_000, 8_000, () => bensNetwork.mend());

    // The last sounds and readings of the clocks arrive.
    await pause(1_000);
    const anas = ana.tap.clicks();
    const bens = ben.tap.clicks();
    const pairs = pair(anas, bens);
    const results = phases.map((one) => ({
      ...one,
      ...figuresOf(pairs, one),
      backMs: backAfterMs(pairs, one),
      slips: [ana, ben].map(({ tap }) => tap.slips(one.fromMs, one.untilMs).length),
    }));
    for (const [i, { name, n, p50Ms, p95Ms, maxMs, backMs, slips }] of results.entries()) {
      console.log(
        `${name.padEnd(14)} n ${String(n).padStart(3)}  |A−B| p50 ${p50Ms.toFixed(2)}  p95 ${p95Ms.toFixed(2)}  max ${maxMs.toFixed(2)} ms` +
          `  in step after ${backMs === undefined ? 'never' : `${(backMs / 1_000).toFixed(1)} s`}  device slips ${slips.join('/')}  pages say: ${beliefs[i] ?? ''}`,
      );
    }
    for (const { name, n, p95Ms, untilMs, fromMs, settlingMs, backMs } of results) {
      const expected = (untilMs - fromMs - settlingMs) / METRONOME.intervalMs;
      expect(n, `${name}: clicks heard on both pages`).toBeGreaterThan(
        expected * LEAST_HEARD_SHARE - 1,
      );
      expect(p95Ms, `${name}: 95 % of the clicks within, ms`).toBeLessThanOrEqual(IN_STEP_MS);
      expect(backMs, `${name}: in step again`).toBeDefined();
    }
    expect(complaints).toEqual([]);
  }, 240_000);
});
