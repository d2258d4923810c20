// The page in real Chromium over a made-up room: what it asks the SDK for, what it shows, and whether everybody can use it.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import { startFixtureServer, type FixtureServer } from './fixture/fixture-server.ts';
import type {} from './fixture/fixture.ts';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const hasChromium = existsSync(executablePath);
const mustRun = process.env.EARSHOT_TEST_REQUIRE_ALL === '1';
if (!hasChromium) {
  console.warn(`page skipped: no Chromium at ${executablePath} (CHROMIUM_PATH names another)`);
}

const ROOM = '/r/KTRN4827';
const PHONE = { width: 390, height: 844 };
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

describe.skipIf(!hasChromium && !mustRun)('the page', () => {
  let browser: Browser;
  let server: FixtureServer;
  /** Most tests need nothing special of their context: making a new one for each takes most of the time. */
  let usual: Page | undefined;
  const complaints: string[] = [];

  beforeAll(async () => {
    if (!hasChromium) throw new Error(`no Chromium at ${executablePath}`);
    server = await startFixtureServer();
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  afterEach(async () => {
    for (const context of browser.contexts()) {
      if (context !== usual?.context()) await context.close();
    }
    // Errors, and whatever the policy refused.
    expect(complaints.splice(0)).toEqual([]);
  });

  async function open(
    path: string,
    special?: BrowserContextOptions & { known?: boolean },
  ): Promise<Page> {
    const page = special === undefined ? (usual ??= await newPage({})) : await newPage(special);
    await page.goto(server.url + path);
    return page;
  }

  async function newPage({
    known = true,
    ...options
  }: BrowserContextOptions & { known?: boolean }): Promise<Page> {
    const context = await browser.newContext({
      viewport: DESK,
      reducedMotion: 'reduce',
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
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

  const calls = (page: Page): Promise<string[]> =>
    page.evaluate(() => window.fixture.client.room.calls);

  async function waitForCall(page: Page, call: string): Promise<void> {
    await page.waitForFunction((one) => window.fixture.client.room.calls.includes(one), call);
  }

  const titles = (page: Page): Promise<string[]> =>
    page.locator('.queue-list .row-title').allTextContents();

  /** Every rule in the light; in the dark the contrasts, which alone may differ. */
  async function expectAccessible(page: Page, what: string): Promise<void> {
    // As the debugger does it: a script element would be refused by the page's policy.
    await page.evaluate(AXE_SOURCE);
    const violations = await page.evaluate(runAxe, undefined);
    expect(violations, `${what}, light`).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await page.evaluate(runAxe, ['color-contrast']);
    expect(dark, `${what}, dark`).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
  }

  it('has no accessibility violations on a desk, light and dark', async () => {
    const page = await open('/');
    await page.getByText('Late shift radio').waitFor();
    await expectAccessible(page, 'landing');
    await page.goto(`${server.url}${ROOM}`);
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
    const page = await open('/', { viewport: PHONE, hasTouch: true, known: false });
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
    const page = await open(`${ROOM}?invite=abc`, { known: false });
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
    const page = await open('/?as=empty');
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

  it('plays and pauses by Space and Enter', async () => {
    const page = await open(ROOM);
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.getByRole('button', { name: 'Pause' }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    expect(await calls(page)).toEqual(['pause', 'play']);
  });

  it('goes by Tab from the needle through the controls in the order in which they are seen', async () => {
    const page = await open(ROOM);
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.getByRole('slider', { name: 'Position in the track' }).focus();
    const names: (string | undefined)[] = [];
    for (let i = 0; i < 6; i += 1) {
      await page.keyboard.press('Tab');
      names.push(
        await page.evaluate(
          () =>
            document.activeElement?.getAttribute('aria-label') ??
            document.activeElement?.textContent,
        ),
      );
    }
    expect(names).toEqual(['Shuffle', 'Previous', 'Pause', 'Skip', 'Repeat: off', 'Detach']);
  });

  it('seeks by arrow keys, and once for several presses', async () => {
    const page = await open(ROOM);
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    const dial = page.getByRole('slider', { name: 'Position in the track' });
    await dial.focus();
    await page.keyboard.press('Home');
    for (let i = 0; i < 3; i += 1) await page.keyboard.press('ArrowRight');
    await waitForCall(page, 'seek 15000');
    await page.keyboard.press('ArrowLeft');
    await waitForCall(page, 'seek 10000');
    expect(await calls(page)).toEqual(['pause', 'seek 15000', 'seek 10000']);
    await page.waitForFunction(
      () =>
        document.querySelector('.dial')?.getAttribute('aria-valuetext') ===
        '10 seconds of 3 minutes 18 seconds',
    );
  });

  it('seeks by pointer where it is let go', async () => {
    const page = await open(ROOM);
    await page.getByRole('button', { name: 'Listen' }).click();
    const box = await page.locator('.dial').boundingBox();
    if (box === null) throw new Error('no dial');
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + 10, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, y, { steps: 4 });
    await page.mouse.up();
    await page.waitForFunction(() => window.fixture.client.room.calls.length > 0);
    const [call = ''] = await calls(page);
    expect(Number(call.replace('seek ', ''))).toBeCloseTo(99_000, -3);
  });

  it('moves a queue entry by keyboard and keeps the focus on it', async () => {
    const page = await open(ROOM);
    expect((await titles(page)).slice(0, 3)).toEqual([
      'Night Bus, Upper Deck',
      'Copper Wire',
      'What the Rain Said to the Roof of the Old Greenhouse',
    ]);
    await page.getByRole('button', { name: /^Move Night Bus/ }).focus();
    await page.keyboard.press('Alt+ArrowDown');
    await waitForCall(page, 'move e2 e4');
    await page.keyboard.press('Alt+ArrowDown');
    await waitForCall(page, 'move e2 e5');
    await page.getByText('Night Bus, Upper Deck: place 3 of 7').waitFor();
    expect((await titles(page))[2]).toBe('Night Bus, Upper Deck');
    await page.keyboard.press('Alt+ArrowUp');
    await waitForCall(page, 'move e2 e4');
  });

  it('moves a queue entry by dragging, and not when Escape is pressed', async () => {
    const page = await open(ROOM);
    const grip = await page.getByRole('button', { name: /^Move Night Bus/ }).boundingBox();
    const low = await page.getByRole('button', { name: /^Move Low Sun/ }).boundingBox();
    if (grip === null || low === null) throw new Error('no grips');
    const x = grip.x + grip.width / 2;
    await page.mouse.move(x, grip.y + grip.height / 2);
    await page.mouse.down();
    await page.mouse.move(x, low.y + low.height / 2, { steps: 6 });
    await page.keyboard.press('Escape');
    await page.mouse.up();
    expect(await calls(page)).toEqual([]);
    await page.mouse.move(x, grip.y + grip.height / 2);
    await page.mouse.down();
    await page.mouse.move(x, low.y + low.height / 2 + 4, { steps: 6 });
    await page.mouse.up();
    await waitForCall(page, 'move e2 e6');
    expect((await titles(page)).indexOf('Night Bus, Upper Deck')).toBe(3);
  });

  it('votes, adds, chats, takes back and reacts', async () => {
    const page = await open(ROOM);
    await page.getByRole('button', { name: 'Listen' }).click();
    const votes = page.getByRole('group', { name: 'Votes for Copper Wire' });
    await votes.getByRole('button', { name: 'Vote up' }).click();
    await votes.getByRole('button', { name: 'Vote up', pressed: true }).waitFor();
    await page.getByRole('button', { name: 'Vote to skip' }).click();
    await page.getByRole('button', { name: 'Voted to skip' }).waitFor();
    await page.getByLabel('Search for music to add').fill('glass');
    await page.getByRole('button', { name: 'Play Glasshouse next' }).click();
    await page.keyboard.press('Escape');
    await page.getByLabel('Write a message').fill('hello');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Delete message: hello' }).click();
    await page.getByRole('button', { name: 'React with a heart' }).click();
    await page.locator('.rising', { hasText: '❤️' }).waitFor();
    expect(await calls(page)).toEqual([
      'vote e3 1',
      'voteSkip',
      'add track-11 next',
      'chat hello',
      'deleteChat 48',
      'react ❤️',
    ]);
    expect((await titles(page))[0]).toBe('Glasshouse');
  });

  it('detaches for oneself and comes back with one press', async () => {
    const page = await open(ROOM);
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.getByRole('button', { name: 'Detach' }).click();
    await page.locator('.now').getByText('detached').waitFor();
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page.getByRole('button', { name: 'Live' }).click();
    await page.locator('.now').getByText('in step').waitFor();
    expect(await calls(page)).toEqual([]);
  });

  it('lets a listener of a party vote but not steer', async () => {
    const page = await open(`${ROOM}?as=listener`);
    await page.getByRole('button', { name: 'Listen' }).click();
    for (const name of ['Pause', 'Skip', 'Previous', 'Shuffle']) {
      expect(await page.getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
    }
    await page.getByRole('slider', { name: 'Position in the track' }).press('End');
    await page.getByRole('button', { name: 'Vote to skip' }).click();
    expect(await calls(page)).toEqual(['voteSkip']);
  });

  it('gives a host the means: roles, the door, settings', async () => {
    const page = await open(ROOM);
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
    const page = await open(ROOM);
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

  it('says when the connection is away, counts down, and when it is back', async () => {
    const page = await open(ROOM);
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
  });

  const endings = [
    ['kicked', 'You were shown out.', false],
    ['banned', 'This room is closed to you.', false],
    ['closed', 'The room is closed.', false],
    ['replaced', 'You are listening elsewhere.', true],
  ] as const;
  it.each(endings)('shows the end of a room: %s', async (leftReason, title, mayReturn) => {
    const page = await open(ROOM);
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
    const page = await open(`${ROOM}?as=private`);
    await page.getByRole('button', { name: 'Knock' }).click();
    await page.getByRole('heading', { name: 'You knocked.' }).waitFor();
    await page.evaluate(() => window.fixture.client.answer(false));
    await page.getByRole('heading', { name: 'Not this time.' }).waitFor();
    await page.goto(`${server.url}${ROOM}?as=private`);
    await page.getByRole('button', { name: 'Knock' }).click();
    await page.getByRole('heading', { name: 'You knocked.' }).waitFor();
    await page.evaluate(() => window.fixture.client.answer(true));
    await page.getByRole('button', { name: 'Listen' }).waitFor();
  });

  it('says why there is no room, and that it is still connecting', async () => {
    const page = await open(`${ROOM}?as=no-room`);
    await page.getByRole('heading', { name: 'No such room.' }).waitFor();
    await page.goto(`${server.url}${ROOM}?as=revoked`);
    await page.getByRole('heading', { name: 'Your pass was withdrawn.' }).waitFor();
    await page.goto(`${server.url}${ROOM}?as=connecting`);
    await page.getByText('Connecting to the hub.').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'Hear the same moment.' }).waitFor();
  });
});
