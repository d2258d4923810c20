// What is kept of a person, on a phone: numbers with their chart, listens, history, account and data, friends and blocks, each for everybody.
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violations } from '../support/axe.ts';
import { launchChromium, skipsWithoutChromium } from '../support/chromium.ts';
import type { EarshotProcess } from '../support/earshot-process.ts';
import { musicProcess } from '../support/music-process.ts';
import { quietWav } from '../support/quiet-wav.ts';
import { befriend, hear, sdkPerson, type SdkPerson } from '../support/sdk-person.ts';

const PHONE = { width: 360, height: 740 };
/** A folder for pictures of the screens on the way, for people to look at. */
const SHOTS = process.env['EARSHOT_TEST_SHOTS'];
/** WCAG 2.2, 2.5.8. */
const SMALLEST_TARGET_PX = 24;
/** More than one person may bring at once. */
const BROUGHT = 1_700;
const DAY_S = 86_400;

/** What of the page does not fit the screen, or is too small for a finger. */
function ill(page: Page): Promise<string[]> {
  return page.evaluate((smallest) => {
    const wrong: string[] = [];
    const wide = [document.documentElement, ...document.querySelectorAll('dialog[open]')];
    for (const { scrollWidth, clientWidth, tagName } of wide)
      if (scrollWidth > clientWidth) wrong.push(`${tagName} scrolls to ${scrollWidth} px`);
    const targets = 'button, a[href], select, summary, input:not([type=radio]), label:has(input)';
    for (const target of document.querySelectorAll(targets)) {
      const { width, height, left, right } = target.getBoundingClientRect();
      // In a line of text it is as high as the line.
      if (width * height === 0 || target.matches('.link-button, p a, .sr-only')) continue;
      const what = `${target.outerHTML.slice(0, 80)}: ${width}×${height} at ${left}`;
      if (left < 0 || right > innerWidth) wrong.push(`beside the screen: ${what}`);
      if (width < smallest || height < smallest) wrong.push(`too small: ${what}`);
    }
    return wrong;
  }, SMALLEST_TARGET_PX);
}

describe.skipIf(skipsWithoutChromium('on a phone'))('what is kept of a person', () => {
  const cleanUps: (() => unknown)[] = [];
  let browser: Browser;
  let earshot: EarshotProcess;

  beforeAll(async () => {
    earshot = await musicProcess({ name: 'Quiet.wav', sound: quietWav(120, 'quiet') }, cleanUps);
    browser = await launchChromium();
    cleanUps.push(() => browser.close());
  });

  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  async function person(name: string): Promise<SdkPerson> {
    const one = await sdkPerson(earshot.url, name);
    cleanUps.push(() => one.client.close());
    return one;
  }

  /** Ben plays something; both hear it until it is in his history. */
  async function hearTogether(ben: SdkPerson, ana: SdkPerson): Promise<void> {
    const room = await ben.client.createRoom({ name: 'Kitchen' });
    const theirs = await ana.client.joinRoom({ roomId: room.id });
    const found = async () => (await ben.client.api.tracks('')).tracks[0];
    await expect.poll(found).toBeDefined();
    const track = await found();
    if (track === undefined) throw new Error('no track');
    await room.add([track.id], 'end');
    await room.play();
    const played = async (): Promise<number> => {
      await Promise.all([hear(room), hear(theirs)]);
      const { items } = await ana.client.api.listening.history(ben.userId);
      return items.length;
    };
    await expect.poll(played, { timeout: 30_000, interval: 1_000 }).toBe(1);
    await Promise.all([room.leave(), theirs.leave()]);
  }

  it('shows on a phone, and to everybody', async () => {
    const [ana, ben] = [await person('Ana'), await person('Ben')];
    await befriend(ben, ana);
    await hearTogether(ben, ana);
    const { code } = await ana.client.api.people.link();

    const context = await browser.newContext({ viewport: PHONE, bypassCSP: true, hasTouch: true });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
    let shots = 0;
    const look = async (name: string): Promise<void> => {
      expect.soft(await violations(page), `${name}: what keeps people out`).toEqual([]);
      expect.soft(await ill(page), `${name}: what does not fit a phone`).toEqual([]);
      if (SHOTS !== undefined)
        await page.screenshot({ path: path.join(SHOTS, `phone-${(shots += 1)}-${name}.png`) });
    };

    await page.goto(`${earshot.url}/link/${code}`);
    await button('Use it here').click();
    await button('My listening').click();

    await button('Account').click();
    await page.getByText('(this one)').waitFor();
    const nowS = Math.floor(Date.now() / 1_000);
    const listens: unknown[] = Array.from({ length: BROUGHT }, (_, n) => ({
      listened_at: nowS - 600 - n * 900,
      track_metadata: {
        artist_name: `An artist with a name that is as long as names of artists are, number ${n % 5}`,
        track_name: `Song ${n % 20}, ${'which_has_no_place_to_break_'.repeat(3)}`,
      },
    }));
    listens.push({
      listened_at: nowS + DAY_S,
      track_metadata: { artist_name: 'A', track_name: 'B' },
    });
    await page.getByLabel('A file of listens').setInputFiles({
      name: 'listens.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(listens)),
    });
    const told = `${BROUGHT} listens taken in. 1 listen left out: number ${BROUGHT + 1}, listened_at`;
    await page.getByText(told).waitFor();
    await look('account');

    await button('In numbers').click();
    await page.getByRole('img', { name: /listens from .* day by day/ }).waitFor();
    await page.getByText('Ben', { exact: true }).waitFor();
    for (const stretch of ['7 days', '90 days', 'A year'])
      await page.getByLabel('The last').selectOption(stretch);
    await page.getByRole('img', { name: new RegExp(`^${BROUGHT} listens`) }).waitFor();
    await page.locator('summary').click();
    await look('numbers');
    expect(await button('Try again').count(), 'each stretch was answered').toBe(0);

    await button('Listens').click();
    await button('Show more').click();
    await expect.poll(() => page.locator('.past-row').count()).toBeGreaterThan(50);
    await look('listens');

    await button('What friends saw').click();
    await button(/^More for /).click();
    await look('history-with-its-menu');
    await page.getByRole('button', { name: 'Forget this' }).click();
    await page.getByText('Nothing yet.').waitFor();

    await button('To the start').click();
    await button(/^Friends/).click();
    await look('friends');
    await button('All my friends').click();
    const people = page.getByRole('dialog', { name: 'People' });
    await people.getByRole('button', { name: 'More for Ben' }).click();
    await look('all-friends-with-a-menu');
    await page.getByRole('button', { name: 'What they played' }).click();
    const history = page.getByRole('dialog', { name: 'What Ben played' });
    await history.locator('.past-row').waitFor();
    await look('what-a-friend-played');
    await history.getByRole('button', { name: 'Close' }).click();
    await people.getByRole('button', { name: 'More for Ben' }).click();
    await page.getByRole('button', { name: 'Block…' }).click();
    await look('block');
    await page.getByRole('button', { name: 'Block', exact: true }).click();
    await people.getByRole('heading', { name: 'Blocked' }).waitFor();
    await people.getByText('You have no friends here yet.').waitFor();
    await look('blocked');
    await expect.poll(() => ben.client.api.people.overview()).toMatchObject({ friends: [] });

    expect(complaints, 'what the page threw').toEqual([]);
    await context.close();
  });
});
