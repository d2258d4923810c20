// Two pages on two nodes, one behind a busy wifi's link and one behind a mobile network's: what leaves their loudspeakers is in step, and stays so when the network lies.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipsWithoutChromium } from '../support/chromium.ts';
import { expectFed, unlessStarved } from '../support/device-starved.ts';
import { LoneChromium } from '../support/lone-chromium.ts';
import { Gathering, type Member, type MemberOptions } from '../support/sync-lab/gathering.ts';
import type { Belief } from '../support/sync-lab/lab-wire.ts';
import type { HeardClick } from '../support/sync-lab/page-tape.ts';
import {
  clickErrors,
  distances,
  MOVING_MS,
  sizesOf,
  type Sizes,
} from '../support/sync-lab/sync-figures.ts';
import { SyncStage } from '../support/sync-lab/sync-stage.ts';

/** The most that a page may be off, ms, less what its link hides. */
const OFF_P95_MS = 15;
/** A correction up to here is not heard. */
const HEARD_JUMP_MS = 5;
const FEWEST_CLICKS = 6;
/** How long is listened, in steps of what was asked, where a starved device left too little, and where only the machine may have been slow. */
const MOST_STEPS = 5;
const MOST_STEPS_FED = 2;
const SETTLE_MS = 8_000;
const LISTEN_MS = 8_000;
const FAULT_MS = 10_000;
const LATE_MS = 600;

const COMMON = {
  players: ['earshot'],
  output: 'webaudio',
  seed: 4,
  all: false,
} as const;
const MEMBERS: readonly MemberOptions[] = [
  { ...COMMON, name: 'wifi', node: 0, link: 'wifi', crystalPpm: 40 },
  { ...COMMON, name: 'lte', node: 1, link: 'lte', crystalPpm: -40 },
];

/** What left one page in a while, and how far off it was less what the page's link hides. */
interface HeardOf {
  readonly name: string;
  readonly clicks: readonly HeardClick[];
  readonly off: Sizes;
  /** How often its audio device was left without samples. */
  readonly starved: number;
}

const stage = skipsWithoutChromium('two links') ? undefined : await SyncStage.start(2);

describe.skipIf(stage === undefined)('two pages on two nodes behind two links', () => {
  let chromium: LoneChromium;

  beforeAll(async () => {
    chromium = await LoneChromium.start();
  });

  afterAll(async () => {
    await chromium.stop();
    await stage!.stop();
  });

  it(
    'play in step, and do not thrash when frames come twice or one way is late',
    { timeout: 300_000 },
    (context) => unlessStarved(context, () => playInStep(stage!)),
  );

  async function playInStep(on: SyncStage): Promise<void> {
    const gathering = await Gathering.open(on, chromium, MEMBERS);
    try {
      const [wifi, lte] = gathering.members;
      await gathering.play();
      await wifi!.page.waitForTimeout(SETTLE_MS);
      await listenTo('at first', gathering, LISTEN_MS);

      await gathering.seek(20_000);
      await wifi!.page.waitForTimeout(MOVING_MS);
      await listenTo('after a seek', gathering, LISTEN_MS / 2);

      wifi!.link.duplicateBinary(true);
      lte!.link.delay('up', LATE_MS);
      const faultFrom = performance.now();
      await listenTo('while the network lies', gathering, FAULT_MS);
      const faultUntil = performance.now();
      wifi!.link.duplicateBinary(false);
      lte!.link.delay('up', 0);
      expect(wifi!.link.duplicated, 'frames that came twice').toBeGreaterThan(0);
      for (const member of gathering.members) expectCalm(member, faultFrom, faultUntil);
      const during = beliefsOf(lte!, faultFrom + 2 * LATE_MS, faultUntil);
      expect(during.length, 'readings of the clock').toBeGreaterThan(0);
      expect(
        during.filter(({ isGood }) => !isGood),
        'times at which the clock was not good to play by',
      ).toEqual([]);
      expect(during.at(-1)!.resets, 'leaps that there were none of').toBe(
        beliefsOf(lte!, 0, faultFrom).at(-1)!.resets,
      );
    } finally {
      await gathering.close();
    }
  }

  /** Every page is where the room is, and the two are where the other is. */
  async function listenTo(what: string, gathering: Gathering, forMs: number): Promise<void> {
    const fromMs = performance.now();
    let untilMs = fromMs;
    let heard: readonly HeardOf[] = [];
    for (let step = 0; step < MOST_STEPS; step += 1) {
      await gathering.members[0]!.page.waitForTimeout(forMs);
      untilMs = performance.now();
      // The pages tell each second.
      await gathering.members[0]!.page.waitForTimeout(1_200);
      heard = gathering.members.map((member) => heardOf(member, gathering, fromMs, untilMs));
      const isFed = heard.every(({ starved }) => starved === 0);
      if (heard.every(({ off }) => off.n >= FEWEST_CLICKS)) break;
      if (isFed && step + 1 >= MOST_STEPS_FED) break;
    }
    for (const { name, off, starved } of heard) {
      console.log(
        `two links: ${what.padEnd(24)} ${name.padEnd(5)} clicks ${off.n}  p50 ${off.p50Ms.toFixed(2)}  p95 ${off.p95Ms.toFixed(2)} ms` +
          (starved > 0 ? `  (audio device starved ${starved} times)` : ''),
      );
      if (off.n < FEWEST_CLICKS) expectFed(`${what}, ${name}`, starved, untilMs - fromMs);
      expect(off.n, `${what}: clicks of ${name}`).toBeGreaterThanOrEqual(FEWEST_CLICKS);
      expect(off.p95Ms, `${what}: ${name} off, ms`).toBeLessThanOrEqual(OFF_P95_MS);
    }
    const apart = sizesOf(distances(heard[0]!.clicks, heard[1]!.clicks));
    expect(apart.p95Ms, `${what}: the pages apart, ms`).toBeLessThanOrEqual(2 * OFF_P95_MS);
  }

  function heardOf(
    { tape, node, link, options }: Member,
    { timelines, events }: Gathering,
    fromMs: number,
    untilMs: number,
  ): HeardOf {
    const within = ({ atMs }: { readonly atMs: number }): boolean =>
      atMs >= fromMs && atMs < untilMs;
    const clicks = tape.heard('earshot').clicks.filter(within);
    const errors = clickErrors(clicks, { timelines, events, hub: node.prober.history() });
    return {
      name: options.name,
      clicks,
      off: sizesOf(errors.map(({ errorMs }) => errorMs - link.asymmetryMs)),
      starved: tape.starvations().filter(within).length,
    };
  }

  function expectCalm({ tape, options }: Member, fromMs: number, untilMs: number): void {
    const { offsetMs } = tape.clock;
    const starved = tape.starvations();
    const moves = tape.told.corrections.flatMap((correction) => {
      const atMs = correction.atMs + offsetMs;
      if (correction.kind === 'rate' || atMs < fromMs || atMs > untilMs) return [];
      // What a starved device put off has to be mended.
      if (starved.some((each) => Math.abs(each.atMs - atMs) < 2_000)) return [];
      return [Math.abs(correction.byMs)];
    });
    expect(
      moves.filter((byMs) => byMs > HEARD_JUMP_MS),
      `${options.name}: moves that are heard, ms`,
    ).toEqual([]);
  }

  function beliefsOf({ tape }: Member, fromMs: number, untilMs: number): readonly Belief[] {
    const { offsetMs } = tape.clock;
    return tape.told.beliefs.filter(
      ({ atMs }) => atMs + offsetMs > fromMs && atMs + offsetMs < untilMs,
    );
  }
});
