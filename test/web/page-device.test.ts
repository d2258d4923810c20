// What is one's own on this device, in real Chromium: the nudge by ear, the screen, the system's media controls, an interruption.
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { skipsWithoutChromium } from '../support/chromium.ts';
import { PageWorld, ROOM, calls, expectAccessible, waitForCall } from './page-world.ts';

interface Tapped {
  readonly handlers: Record<string, ((details: { seekTime?: number }) => void) | null>;
  readonly locks: string[];
}

/** Keeps what the page gives to the system, so that the test can press what a lock screen shows. */
async function tapSystem(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const tapped: Tapped = { handlers: {}, locks: [] };
    (globalThis as unknown as { tapped: Tapped }).tapped = tapped;
    navigator.mediaSession.setActionHandler = (action, handler) => {
      tapped.handlers[action] = (handler as Tapped['handlers'][string] | undefined) ?? null;
    };
    Object.defineProperty(navigator, 'wakeLock', {
      value: {
        request: (type: string) => {
          tapped.locks.push(type);
          return Promise.resolve({
            released: false,
            release: () => Promise.resolve(tapped.locks.push('released')),
          });
        },
      },
    });
  });
}

async function act(page: Page, action: string, seekTime?: number): Promise<void> {
  await page.evaluate(
    ([name, time]) => {
      const { tapped } = globalThis as unknown as { tapped: Tapped };
      const handler = tapped.handlers[name];
      if (handler === null || handler === undefined) throw new Error(`${name} does nothing`);
      handler(time === undefined ? {} : { seekTime: time });
    },
    [action, seekTime] as const,
  );
}

describe.skipIf(skipsWithoutChromium('page device'))('page device', () => {
  let world: PageWorld;

  beforeAll(async () => {
    world = await PageWorld.start();
  });
  afterEach(() => world.rest());
  afterAll(() => world.stop());

  async function openTapped(path: string): Promise<Page> {
    const page = await world.open('/', {});
    await tapSystem(page);
    await page.goto(world.url + path);
    await page.getByRole('button', { name: 'Listen' }).click();
    return page;
  }

  it('sets the nudge by ear with keys and buttons, clicking only while the sheet is open', async () => {
    const page = await world.open(ROOM);
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Set by ear…' }).click();
    const state = () =>
      page.evaluate(() => {
        const { clicking, device } = window.fixture.player!.state.value;
        return { clicking, nudgeMs: device.nudgeMs };
      });
    await page.getByText('Clicking.').waitFor();
    await expectAccessible(page, 'the sheet for the nudge');
    const slider = page.getByRole('slider', { name: /^Nudge my sound/ });
    await slider.focus();
    for (let i = 0; i < 3; i += 1) await page.keyboard.press('ArrowRight');
    expect(await state()).toEqual({ clicking: true, nudgeMs: 15 });
    await page.getByRole('button', { name: 'Later by 5 ms' }).click();
    expect(await state()).toEqual({ clicking: true, nudgeMs: 10 });
    await page.getByRole('button', { name: 'Reset' }).click();
    expect(await state()).toEqual({ clicking: true, nudgeMs: 0 });
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => !window.fixture.player!.state.value.clicking);
  });

  it('says that another output sounds, and with which nudge', async () => {
    const page = await world.open(ROOM);
    await page.evaluate(() => {
      window.fixture.player!.change({ device: { key: 'path:2:far', nudgeMs: -40, changes: 1 } });
    });
    await page.getByText('Another output: nudge −40 ms').waitFor();
  });

  it('offers the press that an interrupted sound waits for, and is quiet about it afterwards', async () => {
    const page = await world.open(ROOM);
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.evaluate(() => window.fixture.player!.change({ waitsFor: 'press' }));
    await page.getByText('The sound was interrupted.').waitFor();
    await expectAccessible(page, 'an interrupted sound');
    await page.getByRole('button', { name: 'Hear it again' }).waitFor();
    await page.evaluate(() => window.fixture.player!.change({ waitsFor: 'system' }));
    await page.getByText('Something else has the sound').waitFor();
  });

  it('is steered by the system as by its own buttons', async () => {
    const page = await openTapped(ROOM);
    await act(page, 'pause');
    await waitForCall(page, 'pause');
    await act(page, 'play');
    await waitForCall(page, 'play');
    await act(page, 'seekto', 42);
    await waitForCall(page, 'seek 42000');
    await act(page, 'nexttrack');
    await waitForCall(page, 'skip');
    expect(await calls(page)).toEqual(['pause', 'play', 'seek 42000', 'skip']);
    await page.getByRole('button', { name: 'Detach' }).click();
    await act(page, 'play');
    expect(await calls(page)).toHaveLength(4);
  });

  it('pauses only oneself by headphones where one may not steer', async () => {
    const page = await openTapped(`${ROOM}?as=listener`);
    await act(page, 'pause');
    await page.getByRole('button', { name: 'Live' }).waitFor();
    expect(await calls(page)).toEqual([]);
    await expect(act(page, 'nexttrack')).rejects.toThrow('does nothing');
  });

  it('keeps the screen on where that was asked for, while music plays, and remembers it', async () => {
    const page = await openTapped(ROOM);
    const locks = () =>
      page.evaluate(() => (globalThis as unknown as { tapped: Tapped }).tapped.locks);
    await expect.poll(locks).toEqual([]);
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Keep the screen on while music plays').check();
    await expect.poll(locks).toEqual(['screen']);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
    await expect.poll(locks).toEqual(['screen', 'released']);
    await page.reload();
    await page.getByRole('button', { name: 'Listen' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await expect.poll(locks).toEqual(['screen']);
  });
});
