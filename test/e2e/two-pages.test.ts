// Two people, two browsers, one room: the whole product, judged by what leaves the loudspeakers.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRONOME_TITLE } from '../../src/adapters/media/demo/demo-tracks.ts';
import { putEarInto } from '../support/audio-ear.ts';
import { launchChromium, skipsWithoutChromium } from '../support/chromium.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { unlessStarved } from '../support/device-starved.ts';
import type { EarshotProcess } from '../support/earshot-process.ts';
import { metronome, musicProcess } from '../support/music-process.ts';
import { SETTLE_MS, judge, listen } from '../support/page-distance.ts';

/** The ear is tried on a page that is made to be early. */
const NUDGE_MS = 60;
/** Of about 60, less what a starved device garbled. */
const CLICKS_OF_HALF_A_MINUTE = 20;

describe.skipIf(skipsWithoutChromium('two pages'))('two pages in one room', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  const complaints: string[] = [];
  let browser: Browser;
  let earshot: EarshotProcess;
  let proxy: CutProxy;

  beforeAll(async () => {
    earshot = await musicProcess(metronome(), cleanUps);
    proxy = await CutProxy.to(earshot.port);
    cleanUps.push(() => proxy.stop());
    browser = await launchChromium();
    cleanUps.push(() => browser.close());
  });

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
    { timeout: 600_000 },
    (context) => unlessStarved(context, hearTheSame),
  );

  async function hearTheSame(): Promise<void> {
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
    await judge('half a minute of playing', ana, ben, 30_000, CLICKS_OF_HALF_A_MINUTE);

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
  }
});
