// The page in real Chromium over a made-up room: what it shows in each of its states, and whether everybody can use it.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import { skipsWithoutChromium } from '../support/chromium.ts';
import { PHONE, PageWorld, ROOM, calls, expectAccessible, waitForCall } from './page-world.ts';

describe.skipIf(skipsWithoutChromium('the page'))('the page', () => {
  let world: PageWorld;

  beforeAll(async () => {
    world = await PageWorld.start();
  });
  afterEach(() => world.rest());
  afterAll(() => world.stop());

  it('has no accessibility violations on a desk, light and dark', async () => {
    const page = await world.open('/');
    await page.getByText('Late shift radio').waitFor();
    await expectAccessible(page, 'landing');
    await page.goto(`${world.url}${ROOM}`);
    await page.getByRole('button', { name: 'Listen' }).waitFor();
    await expectAccessible(page, 'room, locked');
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.evaluate(() => {
      const { client, player } = window.fixture;
      client.room.knock('00000000-0000-4000-8000-000000000077' as UserId, 'Gil');
      client.room.change({ behind: true });
      player?.change({ cannotKeepUp: true });
    });
    await page.getByLabel('Search for music to add').fill('kesto');
    await page.getByText('2 tracks', { exact: true }).waitFor();
    await expectAccessible(page, 'room with banners and search');
    await page.getByRole('button', { name: 'Invite' }).click();
    await page.getByRole('img', { name: 'QR code of the link' }).waitFor();
    await expectAccessible(page, 'invite');
  });

  it('has no accessibility violations on a phone, light and dark, and fits it', async () => {
    const page = await world.open('/', { viewport: PHONE, hasTouch: true, known: false });
    await page.getByText('Late shift radio').waitFor();
    await expectAccessible(page, 'landing');
    await page.getByLabel('Your name').fill('Ana');
    await page.getByRole('button', { name: /Late shift radio/ }).click();
    await page.getByRole('button', { name: 'Listen' }).click();
    await expectAccessible(page, 'now');
    const tabs = page.getByRole('navigation', { name: 'Parts of the room' });
    for (const name of ['Queue', 'Chat', 'People']) {
      await tabs.getByRole('button', { name }).click();
      await expectAccessible(page, name);
    }
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByText('One by one').click();
    await expectAccessible(page, 'settings');
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(sideways).toBe(PHONE.width);
  });

  it('asks a newcomer with a link for a name, then shows the room and one press to listen', async () => {
    const page = await world.open(`${ROOM}?invite=abc`, { known: false });
    await page.getByRole('heading', { name: 'You are invited.' }).waitFor();
    await page.getByLabel('Your name').fill('Ana');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.getByText('in step · 3 ms').waitFor();
    expect(await page.title()).toBe('Paper Boats · Mira Holt · Earshot');
    // The name is remembered: the same link leads straight in.
    await page.reload();
    await page.getByRole('button', { name: 'Listen' }).waitFor();
  });

  it('starts a room from the first page and takes its address', async () => {
    const page = await world.open('/?as=empty');
    await page.getByLabel('Name of the room').fill('Sunday');
    await page.getByRole('radio', { name: /Party/ }).check();
    await page.getByRole('button', { name: 'Start the room' }).click();
    await page.getByRole('heading', { name: 'Nothing on yet' }).waitFor();
    expect(new URL(page.url()).pathname).toBe(ROOM);
    await page.getByRole('button', { name: 'Add Low Sun to the end' }).click();
    await waitForCall(page, 'add track-5 end');
    await page.goBack();
    await page.getByRole('heading', { name: 'Hear the same moment.' }).waitFor();
    expect(await calls(page)).toContain('leave');
  });

  it('gives a host the means: roles, the door, settings', async () => {
    const page = await world.open(ROOM);
    await page.getByRole('button', { name: 'More for Bruno' }).click();
    await page.getByRole('button', { name: 'Make a DJ' }).click();
    await page.getByRole('button', { name: 'More for Dele' }).click();
    await page.getByRole('button', { name: 'Ban for good' }).click();
    await page.getByRole('button', { name: 'Ban', exact: true }).click();
    await page.evaluate(() => {
      window.fixture.client.room.knock('77' as UserId, 'Gil');
    });
    await page.getByRole('button', { name: 'Let in' }).click();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('radio', { name: /Radio/ }).check();
    await page.getByRole('button', { name: 'Save' }).click();
    expect(await calls(page)).toEqual([
      'setRole 00000000-0000-4000-8000-000000000002 dj',
      'ban 00000000-0000-4000-8000-000000000004 for good',
      'admit 77 true',
      'update {"preset":"radio"}',
    ]);
  });

  it('tells of a refusal in words, and is silent where the room has only moved on', async () => {
    const page = await world.open(ROOM);
    await page.evaluate(() => {
      window.fixture.client.room.refuseNext = 'stale';
    });
    await page.getByRole('button', { name: 'Skip', exact: true }).click();
    await page.evaluate(() => {
      window.fixture.client.room.refuseNext = 'rate_limited';
    });
    await page.getByRole('button', { name: 'Skip', exact: true }).click();
    await page.getByText('Slow down a little').waitFor();
    expect(await page.locator('.notice').count()).toBe(1);
  });

  it('says when the connection is away, counts down, and when it is back or fell behind', async () => {
    const page = await world.open(ROOM);
    await page.getByRole('button', { name: 'Listen' }).waitFor();
    await page.evaluate(() => {
      window.fixture.client.connection.set({
        phase: 'waiting',
        attempt: 2,
        retryAt: performance.now() + 9_000,
        cause: 'network',
      });
    });
    await page.getByText(/Connection lost\. Coming back\s+in \d s/).waitFor();
    await page.evaluate(() => {
      window.fixture.client.connection.set({ phase: 'connecting', attempt: 3 });
    });
    await page.getByText('Reconnecting…').waitFor();
    await page.evaluate(() => {
      void window.fixture.client.connect();
      window.fixture.client.room.change({ behind: true });
    });
    await page.getByText('Your connection fell behind. The room was loaded afresh.').waitFor();
    expect(await page.getByText('Reconnecting…').count()).toBe(0);
    await page.evaluate(() => window.fixture.client.room.change({ behind: false }));
    await page.locator('.banner').waitFor({ state: 'detached' });
  });

  it('leaves the room at a press, and is on the first page then', async () => {
    const page = await world.open(ROOM);
    await page.getByRole('button', { name: 'Leave the room' }).click();
    await page.getByRole('heading', { name: 'Hear the same moment.' }).waitFor();
    expect(await calls(page)).toEqual(['leave']);
    expect(new URL(page.url()).pathname).toBe('/');
  });

  const endings = [
    ['kicked', 'You were shown out.', false],
    ['banned', 'This room is closed to you.', false],
    ['closed', 'The room is closed.', false],
    ['replaced', 'You are listening elsewhere.', true],
  ] as const;
  it.each(endings)('shows the end of a room: %s', async (leftReason, title, mayReturn) => {
    const page = await world.open(ROOM);
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.evaluate((reason) => {
      window.fixture.client.room.change({ status: 'left', leftReason: reason });
    }, leftReason);
    await page.getByRole('heading', { name: title }).waitFor();
    const back = page.getByRole('button', { name: 'Listen here instead' });
    expect(await back.count()).toBe(mayReturn ? 1 : 0);
    if (mayReturn) {
      await back.click();
      await page.getByRole('button', { name: 'Listen', exact: true }).waitFor();
    }
  });

  it('waits at the door of a private room and comes in when somebody opens', async () => {
    const page = await world.open(`${ROOM}?as=private`);
    await page.getByRole('button', { name: 'Knock' }).click();
    await page.getByRole('heading', { name: 'You knocked.' }).waitFor();
    await page.evaluate(() => window.fixture.client.answer(false));
    await page.getByRole('heading', { name: 'Not this time.' }).waitFor();
    await page.goto(`${world.url}${ROOM}?as=private`);
    await page.getByRole('button', { name: 'Knock' }).click();
    await page.getByRole('heading', { name: 'You knocked.' }).waitFor();
    await page.evaluate(() => window.fixture.client.answer(true));
    await page.getByRole('button', { name: 'Listen' }).waitFor();
  });

  it('says why there is no room, and that it is still connecting', async () => {
    const page = await world.open(`${ROOM}?as=no-room`);
    await page.getByRole('heading', { name: 'No such room.' }).waitFor();
    await page.goto(`${world.url}${ROOM}?as=revoked`);
    await page.getByRole('heading', { name: 'Your pass was withdrawn.' }).waitFor();
    await page.goto(`${world.url}${ROOM}?as=connecting`);
    await page.getByText('Connecting to the hub.').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'Hear the same moment.' }).waitFor();
  });
});
