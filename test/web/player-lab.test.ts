import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectFed, heardFed, unlessStarved } from '../support/device-starved.ts';
import { startLabServer } from './player-lab/lab-server.ts';
import type { Lab } from './player-lab/lab.ts';

declare global {
  /** What the lab's page puts there. */
  var lab: Lab;
  /** All that were made in the page. */
  var mediaElements: HTMLAudioElement[];
}

const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const hasChromium = existsSync(executablePath);
const mustRun = process.env['EARSHOT_TEST_REQUIRE_ALL'] === '1';
if (!hasChromium) {
  console.warn(
    `player lab skipped: no Chromium at ${executablePath} (CHROMIUM_PATH names another)`,
  );
}

type ToneFormat = 'wav' | 'mp3' | 'm4a';

/** How often a join is listened to until it is heard without a hole. */
const MOST_JOINS = 3;

interface Phase extends Figures {
  readonly starved: number;
  readonly forMs: number;
  readonly begun: number;
  readonly moves: number;
  readonly mostPercent: number;
}

interface Figures {
  readonly clicks: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

function figuresOf(errorsMs: readonly number[]): Figures {
  const sizes = errorsMs.map(Math.abs).sort((a, b) => a - b);
  const signed = [...errorsMs].sort((a, b) => a - b);
  const at = (sorted: number[], share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return {
    clicks: sizes.length,
    medianMs: at(signed, 0.5),
    p95Ms: at(sizes, 0.95),
    maxMs: sizes.at(-1) ?? NaN,
  };
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function show(what: string, { clicks, medianMs, p95Ms, maxMs }: Figures, more = ''): void {
  const ms = (value: number): string => value.toFixed(2).padStart(7);
  console.log(
    `${what.padEnd(34)} clicks ${String(clicks).padStart(3)}  median ${ms(medianMs)}  p95 ${ms(p95Ms)}  max ${ms(maxMs)} ms ${more}`,
  );
}

describe.skipIf(!hasChromium && !mustRun)('the player in a real browser', () => {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof startLabServer>>;

  beforeAll(async () => {
    if (!hasChromium) throw new Error(`no Chromium at ${executablePath}`);
    server = await startLabServer();
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
    });
  });

  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  async function openLab(output: 'webaudio' | 'element'): Promise<Page> {
    const page = await browser.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') console.error('page:', message.text());
    });
    page.on('pageerror', (error) => console.error('page:', error));
    await page.addInitScript(() => {
      globalThis.mediaElements = [];
      globalThis.Audio = class extends Audio {
        constructor() {
          super();
          mediaElements.push(this);
        }
      };
    });
    await page.goto(server.url);
    await page.waitForFunction(() => 'lab' in globalThis);
    await page.evaluate((wish) => lab.open(wish), output);
    // The first readings of a device that was just opened look like a starved one.
    await page.waitForTimeout(3_000);
    return page;
  }

  async function measure(page: Page, what: string, from: number, until: number): Promise<Phase> {
    const clicks = await page.evaluate(([a, b]) => lab.clicks(a, b), [from, until] as const);
    const figures = figuresOf(clicks.map(({ errorMs }) => errorMs));
    const starved = await page.evaluate(([a, b]) => lab.starved(a, b), [from, until] as const);
    const { begun, moves, mostPercent } = await page.evaluate(([a, b]) => lab.corrections(a, b), [
      from,
      until,
    ] as const);
    const corrections = `corrections ${begun} (moves ${moves}), rate ±${mostPercent.toFixed(3)} %`;
    show(
      what,
      figures,
      starved.length > 0 ? `${corrections} (device starved ${starved.length} times)` : corrections,
    );
    return { ...figures, starved: starved.length, forMs: until - from, begun, moves, mostPercent };
  }

  /**
   * Every phase that could be heard is in step. A machine that starves its audio device garbles some of them, which says nothing of
   * the player; when it garbles most, nothing was shown.
   */
  function judge(phases: readonly Phase[], p95Ms: number): void {
    const heard = phases.filter(({ clicks }) => clicks >= 3);
    for (const figures of heard) {
      expect(figures.p95Ms).toBeLessThanOrEqual(p95Ms);
      expect(figures.mostPercent).toBeLessThanOrEqual(0.55);
    }
    if (heard.length > phases.length / 2) return;
    const sum = (of: (phase: Phase) => number): number =>
      phases.reduce((n, each) => n + of(each), 0);
    expectFed(
      'the player',
      sum(({ starved }) => starved),
      sum(({ forMs }) => forMs),
    );
    expect(heard.length, 'phases that could be heard').toBeGreaterThan(phases.length / 2);
  }

  async function waitUntil(page: Page, hubMs: number): Promise<void> {
    const now = await page.evaluate(() => lab.now());
    // The ear needs time stamps of after the last click as well.
    await page.waitForTimeout(Math.max(0, hubMs - now + 400));
  }

  it(
    'decoded tracks start, seek, cross a boundary and recover in step',
    { timeout: 90_000, retry: 2 },
    (context) => unlessStarved(context, decoded),
  );

  async function decoded(): Promise<void> {
    const page = await openLab('webaudio');
    const start = await page.evaluate(() => {
      const at = lab.now() + 600;
      lab.play([
        lab.track('a', 0, at),
        lab.track('b', 0, at + 10_000),
        lab.track('c', 0, at + 20_000),
      ]);
      return at;
    });
    await waitUntil(page, start + 4_000);
    expect(await page.evaluate(() => lab.readyEntries)).toEqual(['a', 'b', 'c']);
    const first = await measure(page, 'webaudio: start', start, start + 1_500);
    const steady = await measure(page, 'webaudio: steady', start + 1_500, start + 4_000);

    const sought = await page.evaluate((begin) => {
      const at = lab.now() + 300;
      const end = at + 4_000;
      lab.play([
        lab.track('a', 0, begin),
        lab.track('a', 6_000, at),
        lab.track('b', 0, end),
        lab.track('c', 0, end + 10_000),
      ]);
      return { at, end };
    }, start);
    await waitUntil(page, sought.end + 3_000);
    const afterSeek = await measure(page, 'webaudio: after a seek', sought.at, sought.end);
    const across = await measure(
      page,
      'webaudio: after a boundary',
      sought.end,
      sought.end + 3_000,
    );
    const gaps = await page.evaluate(
      (end) => lab.gaps(end - 500, end + 500).map(({ lengthMs }) => lengthMs),
      sought.end,
    );
    console.log('webaudio: gaps at the boundary, ms:', gaps);

    // A clock that creeps away unproven, then one that is proven wrong.
    const shifted = await page.evaluate(() => {
      lab.shiftClock(80, false);
      return lab.now();
    });
    await waitUntil(page, shifted + 4_500);
    const afterShift = await measure(
      page,
      'webaudio: 80 ms off, from 2 s on',
      shifted + 2_000,
      shifted + 4_500,
    );

    // The page freezes across the next boundary (c begins at sought.end + 10 s).
    await waitUntil(page, sought.end + 8_800);
    await page.evaluate(() => lab.freeze(3_000));
    await waitUntil(page, sought.end + 12_500);
    const frozen = await measure(
      page,
      'webaudio: frozen over a boundary',
      sought.end + 9_000,
      sought.end + 12_400,
    );
    const frozenGaps = await page.evaluate(
      (end) => lab.gaps(end - 800, end + 2_000).map(({ lengthMs }) => lengthMs),
      sought.end + 10_000,
    );
    console.log('webaudio: gaps while frozen, ms:', frozenGaps);

    const resumed = await page.evaluate(async () => {
      await lab.suspend(1_000);
      return lab.now();
    });
    await waitUntil(page, resumed + 4_000);
    const afterSuspend = await measure(
      page,
      'webaudio: suspended, from 2 s on',
      resumed + 2_000,
      resumed + 4_000,
    );
    console.log(
      await page.evaluate(() => lab.state),
      await page.evaluate(() => lab.reports.length),
    );

    judge([first, steady, afterSeek, across, afterShift, frozen, afterSuspend], 5);
    // The clock was steady: nothing had to be corrected, and nothing was.
    for (const { starved, begun } of [first, steady, afterSeek, across]) {
      if (starved === 0) expect(begun).toBe(0);
    }
    // A device that has no samples is silent, whatever the player does.
    if (across.starved + afterSeek.starved === 0) expect(gaps.filter((ms) => ms > 5)).toEqual([]);
    if (frozen.starved === 0) expect(frozenGaps.filter((ms) => ms > 5)).toEqual([]);
    await page.close();
  }

  it('a tone over two files goes on without a hole', { timeout: 120_000, retry: 2 }, (context) =>
    unlessStarved(context, joins),
  );

  async function joins(): Promise<void> {
    const page = await openLab('webaudio');
    await page.evaluate(() => (lab.gainDb = {}));
    const wav = await join(page, 'webaudio', 'wav');
    const mp3 = await join(page, 'webaudio', 'mp3');
    await page.evaluate(() => (lab.gainDb = { two: -12 }));
    const quieter = await join(page, 'webaudio', 'm4a');
    await page.close();
    const elementPage = await openLab('element');
    const elementWav = await join(elementPage, 'element', 'wav');
    const element = await join(elementPage, 'element', 'mp3');
    await elementPage.close();

    for (const { before, after } of [wav, mp3, quieter, elementWav, element]) {
      // The ear would hear a hole in sound alone: it must have heard the tone on both sides of the join.
      expect(before).toBeGreaterThan(-18);
      expect(after).toBeGreaterThan(-30);
    }
    for (const { holes } of [wav, mp3, quieter, elementWav, element]) expect(holes).toEqual([]);
    expect(Math.abs(wav.after - wav.before)).toBeLessThan(0.5);
    expect(Math.abs(quieter.before - quieter.after - 12)).toBeLessThan(1.5);
  }

  /** What is heard where the first part of the tone ends and the second begins; levels in dB. */
  async function join(page: Page, output: 'webaudio' | 'element', format: ToneFormat) {
    const what = `a tone over two files, ${output} ${format}`;
    for (let time = 1; ; time += 1) {
      const heard = await heardFed(what, () => joinOnce(page, output, format));
      // What a player does wrong it does each time. A machine that is busy lets an element begin late, or a page act late, now and then.
      if (heard.holes.length === 0 || time === MOST_JOINS) return heard;
    }
  }

  async function joinOnce(page: Page, output: 'webaudio' | 'element', format: ToneFormat) {
    const { startAt, joinAt } = await page.evaluate((f) => {
      const at = lab.now() + 900;
      return { startAt: at, joinAt: lab.playTone(f, at) };
    }, format);
    await waitUntil(page, joinAt + 700);
    const heard = await page.evaluate(
      ([from, at]) => ({
        gaps: lab.gaps(at - 400, at + 400).map(({ lengthMs }) => lengthMs),
        breaks: lab.breaks(at - 400, at + 400).map(({ size }) => size),
        before: lab.levels(at - 450, at - 100),
        after: lab.levels(at + 100, at + 450),
        // Whatever it missed before, the player makes good by a jump.
        starved: lab.starved(from, at + 600).length,
      }),
      [startAt, joinAt] as const,
    );
    const [before, after] = [medianOf(heard.before), medianOf(heard.after)];
    const most = (sizes: readonly number[]): string => Math.max(0, ...sizes).toFixed(4);
    console.log(
      `join: ${output.padEnd(8)} ${format}  longest gap ${most(heard.gaps)} ms  largest break ${most(heard.breaks)}  ${before.toFixed(1)} → ${after.toFixed(1)} dB  ${heard.starved > 0 ? '(device starved)' : ''}`,
    );
    // Chromium's elements do not play the last frame of an MP3, 26 ms of it: nothing that a player does brings it back.
    const mostGapMs = output === 'element' && format === 'mp3' ? 40 : 5;
    // A twentieth of the tone's size: a hole or a jump of half a millisecond is many times that. Elements and m4a join less smoothly.
    const mostBreak = output === 'webaudio' && format !== 'm4a' ? 0.0125 : Infinity;
    const holes = [
      ...heard.gaps.filter((ms) => ms > mostGapMs).map((ms) => `${ms} ms`),
      ...heard.breaks.filter((size) => size >= mostBreak).map((size) => `a jump of ${size}`),
    ];
    return { before, after, holes, starved: heard.starved };
  }

  it(
    'media elements start, seek, cross a boundary and come back when they were stopped, in step',
    { timeout: 90_000, retry: 2 },
    (context) => unlessStarved(context, elements),
  );

  async function elements(): Promise<void> {
    const page = await openLab('element');
    const start = await page.evaluate(() => {
      const at = lab.now() + 900;
      lab.play([lab.track('a', 0, at), lab.track('b', 0, at + 10_000)]);
      return at;
    });
    await waitUntil(page, start + 5_000);
    const first = await measure(page, 'element: start', start, start + 2_000);
    const steady = await measure(page, 'element: steady', start + 2_000, start + 5_000);
    const sought = await page.evaluate((begin) => {
      const at = lab.now() + 300;
      const end = at + 7_000;
      lab.play([lab.track('a', 0, begin), lab.track('a', 3_000, at), lab.track('b', 0, end)]);
      return { at, end };
    }, start);
    await waitUntil(page, sought.end + 5_000);
    const afterSeek = await measure(
      page,
      // It lands as far off as it takes longer than it was known to; in a second half a per cent makes good 5 ms.
      'element: after a seek, from 4 s on',
      sought.at + 4_000,
      sought.end,
    );
    const across = await measure(page, 'element: after a boundary', sought.end, sought.end + 5_000);
    // As a call does, or headphones that are taken out.
    const stopped = await page.evaluate(() => {
      for (const element of mediaElements) element.pause();
      return lab.now();
    });
    await waitUntil(page, stopped + 4_500);
    const afterStop = await measure(
      page,
      'element: stopped from outside, from 2.5 s on',
      stopped + 2_500,
      stopped + 4_500,
    );
    console.log(await page.evaluate(() => lab.state));
    judge([first, steady, afterSeek, across, afterStop], 30);
    if (afterStop.starved === 0) expect(afterStop.clicks).toBeGreaterThanOrEqual(3);
    for (const { starved, moves } of [steady, across]) if (starved === 0) expect(moves).toBe(0);
    await page.close();
  }
});
