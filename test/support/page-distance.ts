// How far apart two pages play, by what leaves their loudspeakers.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { heardBy, nowIn } from './audio-ear.ts';
import { expectFed } from './device-starved.ts';

/** The most that two pages may be apart, ms. */
const P95_MS = 15;
/** What a page may take to be in step again after it was disturbed. */
export const SETTLE_MS = 3_000;
const FEWEST_CLICKS = 4;
/** How much longer than asked is listened, in steps of what was asked, where a starved device left too little. */
const MOST_STEPS = 5;
/** Clicks of one number further apart than this are of two rounds of the track. */
const SAME_ROUND_MS = 10_000;

export interface Distance {
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

/**
 * Listens for a while and prints how far apart the pages were. A starved device gets more time to be heard; rejects with
 * `DeviceStarved` where that was not enough.
 */
export async function listen(
  what: string,
  a: Page,
  b: Page,
  forMs: number,
  fewestClicks = FEWEST_CLICKS,
): Promise<Distance> {
  const from = await nowIn(a);
  let until = from;
  let found = await distance(a, b, from, from);
  for (let step = 0; step < MOST_STEPS && found.clicks < fewestClicks; step += 1) {
    await a.waitForTimeout(forMs);
    until = await nowIn(a);
    found = await distance(a, b, from, until);
  }
  const { clicks, p50Ms, p95Ms, maxMs, starved } = found;
  const ms = (value: number): string => value.toFixed(2).padStart(7);
  console.log(
    `two pages: ${what.padEnd(22)} clicks ${String(clicks).padStart(3)}  p50 ${ms(p50Ms)}  p95 ${ms(p95Ms)}  max ${ms(maxMs)} ms` +
      (starved > 0 ? `  (audio device starved ${starved} times)` : ''),
  );
  if (clicks < fewestClicks) expectFed(what, starved, until - from);
  expect(clicks, `${what}: clicks that both pages were heard to play`).toBeGreaterThanOrEqual(
    fewestClicks,
  );
  return found;
}

export async function judge(
  what: string,
  a: Page,
  b: Page,
  forMs: number,
  fewestClicks = FEWEST_CLICKS,
): Promise<Distance> {
  const found = await listen(what, a, b, forMs, fewestClicks);
  expect(found.p95Ms, `${what}: p95 of the distance between the pages, ms`).toBeLessThanOrEqual(
    P95_MS,
  );
  return found;
}
