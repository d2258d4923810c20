// A call, a frozen page, a device that stops: what comes back has to come back in step, judged by what leaves the loudspeakers.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRONOME_TITLE } from '../../src/adapters/media/demo/demo-tracks.ts';
import { putEarInto } from '../support/audio-ear.ts';
import { launchChromium, skipsWithoutChromium } from '../support/chromium.ts';
import { unlessStarved } from '../support/device-starved.ts';
import type { EarshotProcess } from '../support/earshot-process.ts';
import { metronome, musicProcess } from '../support/music-process.ts';
import { SETTLE_MS, judge } from '../support/page-distance.ts';

interface Interruptible {
  /** The system takes the sound away, and lets nobody have it back until `end`. */
  interrupt(): Promise<void>;
  end(): void;
}

async function makeInterruptible(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const contexts: AudioContext[] = [];
    let isTaken = false;
    globalThis.AudioContext = class extends AudioContext {
      constructor(options?: AudioContextOptions) {
        super(options);
        contexts.push(this);
      }
      override resume(): Promise<void> {
        return isTaken ? Promise.reject(new DOMException('taken')) : super.resume();
      }
    };
    const interruptible: Interruptible = {
      interrupt: async () => {
        isTaken = true;
        await Promise.all(contexts.map((context) => context.suspend()));
      },
      end: () => (isTaken = false),
    };
    Object.assign(globalThis, { interruptible });
  });
}

describe.skipIf(skipsWithoutChromium('interruptions'))('an interruption', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  let browser: Browser;
  let earshot: EarshotProcess;

  beforeAll(async () => {
    earshot = await musicProcess(metronome(), cleanUps);
    browser = await launchChromium();
    cleanUps.push(() => browser.close());
  });

  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  async function openPage(): Promise<Page> {
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    await makeInterruptible(page);
    await putEarInto(page);
    return page;
  }

  it('of the sound or of the page ends in step', { timeout: 240_000 }, (context) =>
    unlessStarved(context, comeBack),
  );

  async function comeBack(): Promise<void> {
    const ana = await openPage();
    await ana.goto(earshot.url);
    await ana.getByLabel('Your name').fill('Ana');
    await ana.getByRole('button', { name: 'Start the room' }).click();
    const add = ana.getByRole('button', { name: `Add ${METRONOME_TITLE} to the end` });
    for (let n = 0; n < 3; n += 1) await add.click();
    await ana.getByRole('button', { name: 'Listen' }).click();
    const ben = await openPage();
    await ben.goto(ana.url());
    await ben.getByLabel('Your name').fill('Ben');
    await ben.getByRole('button', { name: 'Enter the room' }).click();
    await ben.getByRole('button', { name: 'Listen' }).click();
    await ana.getByRole('button', { name: 'Play', exact: true }).click();
    await ana.waitForTimeout(SETTLE_MS);
    await judge('before an interruption', ana, ben, 6_000);

    const steer = (act: keyof Interruptible): Promise<unknown> =>
      ben.evaluate(
        (name) => (globalThis as unknown as { interruptible: Interruptible }).interruptible[name](),
        act,
      );
    await steer('interrupt');
    await ben.getByText('The sound was interrupted.').waitFor();
    expect(await ben.getByRole('button', { name: 'Hear it again' }).count()).toBe(1);
    await steer('end');
    await ben.getByText('The sound was interrupted.').waitFor({ state: 'detached' });
    await ana.waitForTimeout(SETTLE_MS);
    await judge('after a call', ana, ben, 6_000);

    const system = await ben.context().newCDPSession(ben);
    await system.send('Page.setWebLifecycleState', { state: 'frozen' });
    await ana.waitForTimeout(6_000);
    await system.send('Page.setWebLifecycleState', { state: 'active' });
    await ana.waitForTimeout(SETTLE_MS);
    await judge('after 6 s frozen', ana, ben, 6_000);
    await ana.context().close();
    await ben.context().close();
  }
});
