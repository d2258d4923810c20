// Two friends, two browsers: one plays a track alone, the other joins from the feed and hears it in step.
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRONOME_TITLE } from '../../src/adapters/media/demo/demo-tracks.ts';
import { putEarInto } from '../support/audio-ear.ts';
import { violations } from '../support/axe.ts';
import { launchChromium, skipsWithoutChromium } from '../support/chromium.ts';
import { unlessStarved } from '../support/device-starved.ts';
import type { EarshotProcess } from '../support/earshot-process.ts';
import { metronome, musicProcess } from '../support/music-process.ts';
import { SETTLE_MS, judge } from '../support/page-distance.ts';

const PHONE = { width: 390, height: 844 };
/** A folder for pictures of the screens on the way, for people to look at. */
const SHOTS = process.env['EARSHOT_TEST_SHOTS'];
/** What is played is shown once it has played for five seconds. */
const SHOWN = { timeout: 20_000 };

describe.skipIf(skipsWithoutChromium('two friends'))('two friends', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  const complaints: string[] = [];
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

  async function openPage(viewport = { width: 1280, height: 800 }): Promise<Page> {
    const context = await browser.newContext({ viewport, bypassCSP: true });
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    await putEarInto(page);
    return page;
  }

  let shots = 0;
  async function look(page: Page, name: string): Promise<void> {
    expect(await violations(page), `${name}: what keeps people out`).toEqual([]);
    if (SHOTS === undefined) return;
    shots += 1;
    await page.screenshot({ path: path.join(SHOTS, `${shots}-${name}.png`) });
  }

  it(
    'become friends by a link, and one joins what the other plays alone and hears it in step',
    { timeout: 600_000 },
    (context) => unlessStarved(context, joinAndHear),
  );

  async function joinAndHear(): Promise<void> {
    const ana = await openPage();
    await ana.goto(earshot.url);
    await ana.getByLabel('Your name').fill('Ana');
    await look(ana, 'first-page');
    await ana.getByRole('searchbox', { name: 'Search for music to play' }).click();
    await ana.getByRole('button', { name: `Play ${METRONOME_TITLE}` }).click();
    // For as long as the test takes.
    await ana.getByRole('button', { name: /^Repeat/ }).click();
    // It plays at once: the press that chose the track is one that lets a page sound.
    await ana.getByRole('button', { name: 'Friends', exact: true }).click();
    await ana.getByRole('button', { name: 'Make a friend' }).click();
    const shown = ana.getByLabel('My link');
    await expect.poll(() => shown.inputValue()).toMatch(/^http/);
    const link = await shown.inputValue();
    await look(ana, 'my-link');
    await ana.keyboard.press('Escape');

    const ben = await openPage(PHONE);
    await ben.goto(link);
    await ben.getByLabel('Your name').fill('Ben');
    await ben.getByRole('button', { name: 'Go on' }).click();
    await ben.getByRole('button', { name: 'Send request' }).click();
    await ben.getByText('Ana is asked.').waitFor();
    await look(ben, 'asked');

    await ana.getByRole('button', { name: 'Accept Ben' }).click();
    await ben.getByText('You are friends').first().waitFor();
    await ben.getByRole('button', { name: 'To the start' }).click();
    await ben.getByRole('button', { name: /^Friends/ }).click();
    const join = ben.getByRole('button', { name: 'Join: Ana' });
    await join.waitFor(SHOWN);
    await look(ben, 'feed-on-a-phone');
    await join.click();
    await ben.getByRole('button', { name: 'Listen', exact: true }).click();
    await ben.waitForTimeout(SETTLE_MS);
    await judge('joined from the feed', ana, ben, 10_000);
    await look(ben, 'joined');

    // A private session hides Ana from who is not with her; its time left is shown.
    const cleo = await openPage();
    await cleo.goto(link);
    await cleo.getByLabel('Your name').fill('Cleo');
    await cleo.getByRole('button', { name: 'Go on' }).click();
    await cleo.getByRole('button', { name: 'Send request' }).click();
    await ana.getByRole('button', { name: 'Accept Cleo' }).click();
    await cleo.getByRole('button', { name: 'To the start' }).click();
    await cleo.getByRole('button', { name: /^Join: Ana/ }).waitFor(SHOWN);
    await look(cleo, 'feed');
    await ana.getByRole('button', { name: 'Who sees what I play' }).click();
    await look(ana, 'audience');
    const theirs = cleo.getByRole('button', { name: /^Join: Ana/ });
    const word = ana.getByRole('dialog', { name: 'Who sees what I play' });
    await word.getByRole('button', { name: '1 hour' }).click();
    await word.getByText(/On: (?:1 h|59 min) left/).waitFor();
    await theirs.waitFor({ state: 'detached' });
    await look(ana, 'private-for-an-hour');
    await word.getByRole('button', { name: 'End it now' }).click();
    await word.getByRole('button', { name: 'Until I end it' }).click();
    await word.getByText('On until you end it.').waitFor();
    await ana.keyboard.press('Escape');
    const note = ana.locator('.private-note');
    await note.waitFor();
    expect(await note.innerText(), 'it has no end to tell of').not.toMatch(/left|\d/);
    await look(ana, 'private-until-ended');
    await look(cleo, 'without-ana');
    // A part of this track was heard unseen, so that all of it stays so.
    await note.getByRole('button', { name: 'End' }).click();
    await note.waitFor({ state: 'detached' });
    expect(await theirs.count()).toBe(0);

    expect(complaints, 'what the pages threw').toEqual([]);
    for (const page of [ana, ben, cleo]) await page.context().close();
  }
});
