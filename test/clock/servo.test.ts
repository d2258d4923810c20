import { describe, expect, test } from 'vitest';
import { Servo, type ServoAction, type ServoInput, type ServoKind } from '../../src/clock/servo.ts';
import { SeededRandom } from './support/seeded-random.ts';

interface PlayerOptions {
  readonly kind?: ServoKind;
  readonly errorMs: number;
  /** True rate of hub time against the player's clock, and what the servo is told of it. */
  readonly skewPpm?: number;
  readonly toldSkewPpm?: number;
  readonly noiseMs?: number;
  /** What a seek of this player costs. */
  readonly seekCostMs?: number;
  /** A player whose seeks never land where they should. */
  readonly brokenSeeks?: boolean;
}

interface Played {
  readonly atMs: number;
  readonly errorMs: number;
  readonly action: ServoAction;
}

/** A player under a servo, asked five times a second. */
class SimPlayer {
  readonly servo: Servo;
  readonly log: Played[] = [];
  #options: PlayerOptions;
  #nowMs = 0;
  #rate = 1;
  #random = new SeededRandom(1);
  errorMs: number;

  constructor(options: PlayerOptions) {
    this.servo = new Servo(options.kind ?? 'webaudio');
    this.#options = options;
    this.errorMs = options.errorMs;
  }

  run(forMs: number, change: Partial<ServoInput> = {}): this {
    const { skewPpm = 0, toldSkewPpm = skewPpm, noiseMs = 0.2 } = this.#options;
    for (const endMs = this.#nowMs + forMs; this.#nowMs < endMs; this.#nowMs += 200) {
      const action = this.servo.update({
        nowMs: this.#nowMs,
        errorMs: this.errorMs + this.#random.normal(noiseMs),
        skewPpm: toldSkewPpm,
        clockQuality: 'good',
        clockErrorMs: 0.2,
        buffering: false,
        resumedAtMs: null,
        ...change,
      });
      this.log.push({ atMs: this.#nowMs, errorMs: this.errorMs, action });
      this.#perform(action);
      this.errorMs += 200 * (this.#rate - 1 - skewPpm * 1e-6);
    }
    return this;
  }

  actions<K extends ServoAction['kind']>(
    kind: K,
  ): (Played & { action: Extract<ServoAction, { kind: K }> })[] {
    return this.log.filter(
      (played): played is Played & { action: Extract<ServoAction, { kind: K }> } =>
        played.action.kind === kind,
    );
  }

  rates(fromMs = 0): { atMs: number; rate: number }[] {
    return this.log.flatMap(({ atMs, action }) =>
      action.kind === 'rate' && atMs >= fromMs ? [{ atMs, rate: action.rate }] : [],
    );
  }

  #perform(action: ServoAction): void {
    const { seekCostMs = 0, brokenSeeks = false } = this.#options;
    if (action.kind === 'rate') this.#rate = action.rate;
    if (action.kind === 'jump') this.errorMs += brokenSeeks ? 0 : action.byMs;
    if (action.kind === 'seek' && !brokenSeeks) this.errorMs = action.toleranceLeadMs - seekCostMs;
  }
}

describe('rate', () => {
  test('always carries the skew', () => {
    const player = new SimPlayer({ errorMs: 0, skewPpm: 60 }).run(2_000);
    expect(Math.abs(player.rates()[0]!.rate - 1 - 60e-6)).toBeLessThan(60e-6);
  });

  test.each([20, -20, 38])(
    '%d ms are worked off by at most half a percent, without overshoot',
    (errorMs) => {
      const player = new SimPlayer({ errorMs }).run(40_000);
      for (const { rate } of player.rates()) expect(Math.abs(rate - 1)).toBeLessThan(0.0054);
      expect(player.actions('jump')).toHaveLength(0);
      expect(player.actions('seek')).toHaveLength(0);
      expect(Math.abs(player.errorMs)).toBeLessThan(1.2);
      const overshoot = Math.max(
        ...player.log.map((played) => -Math.sign(errorMs) * played.errorMs),
      );
      expect(overshoot).toBeLessThan(0.6);
    },
  );

  test('changes at most every 500 ms', () => {
    const times = new SimPlayer({ errorMs: 30, noiseMs: 2 }).run(30_000).rates();
    expect(times.length).toBeGreaterThan(5);
    for (let index = 1; index < times.length; index += 1) {
      expect(times[index]!.atMs - times[index - 1]!.atMs).toBeGreaterThanOrEqual(500);
    }
  });

  test('hysteresis: 2.5 ms is left to the integrator, unless a correction is under way', () => {
    const calm = new SimPlayer({ errorMs: 2.5, noiseMs: 0 }).run(3_000);
    for (const { rate } of calm.rates()) expect(Math.abs(rate - 1)).toBeLessThan(300e-6);
    const busy = new SimPlayer({ errorMs: 6, noiseMs: 0 }).run(30_000);
    const at = busy.log.findIndex((played) => played.errorMs < 2.5);
    const nextRate = busy.rates(busy.log[at]!.atMs)[0]!;
    expect(nextRate.rate).toBeLessThan(1 - 300e-6);
  });

  test('a skew that is told wrong by 30 ppm does not ratchet: the integrator takes it over', () => {
    const player = new SimPlayer({ errorMs: 0, skewPpm: 30, toldSkewPpm: 0 }).run(300_000);
    const late = player.log.filter((played) => played.atMs > 150_000);
    const mean = late.reduce((sum, played) => sum + played.errorMs, 0) / late.length;
    expect(Math.abs(mean)).toBeLessThan(0.3);
    expect(Math.max(...late.map((played) => Math.abs(played.errorMs)))).toBeLessThan(1.5);
  });

  test('a media element has wider bands, and no dead one', () => {
    const player = new SimPlayer({ kind: 'element', errorMs: 12, noiseMs: 1 }).run(180_000);
    // Two cents of pitch: nobody hears them.
    for (const { rate } of player.rates()) expect(Math.abs(rate - 1)).toBeLessThan(1.2e-3);
    const sizesFrom = (atMs: number) =>
      player.log.filter((played) => played.atMs > atMs).map(({ errorMs }) => Math.abs(errorMs));
    expect(Math.max(...sizesFrom(15_000))).toBeLessThan(5);
    expect(Math.max(...sizesFrom(60_000))).toBeLessThan(1.5);
    expect(player.actions('jump')).toHaveLength(0);
    expect(player.actions('seek')).toHaveLength(0);
    const far = new SimPlayer({ kind: 'element', errorMs: -100, noiseMs: 1 }).run(40_000);
    expect(far.actions('seek')).toHaveLength(0);
    expect(Math.abs(far.errorMs)).toBeLessThan(12);
  });

  test('nothing smaller than the clock’s own error is chased', () => {
    const player = new SimPlayer({ errorMs: 6 }).run(5_000, { clockErrorMs: 10 });
    for (const { rate } of player.rates()) expect(Math.abs(rate - 1)).toBeLessThan(300e-6);
  });
});

describe('jump and seek', () => {
  test.each([100, -250])('%d ms are one cross-faded jump', (errorMs) => {
    const player = new SimPlayer({ errorMs, noiseMs: 0 }).run(20_000);
    const jumps = player.actions('jump');
    expect(jumps).toHaveLength(1);
    const { action } = jumps[0]!;
    expect(action.byMs).toBeCloseTo(-errorMs, 0);
  });

  test('a correcting rate is taken back with the jump that replaces it', () => {
    const player = new SimPlayer({ errorMs: 35, noiseMs: 0 }).run(3_000);
    player.errorMs = 200;
    player.run(10_000);
    const jumpAt = player.actions('jump')[0]!.atMs;
    expect(Math.abs(player.rates(jumpAt)[0]!.rate - 1)).toBeLessThan(300e-6);
  });

  test('a seek learns its cost and aims ahead by it', () => {
    const player = new SimPlayer({ kind: 'element', errorMs: -5_000, seekCostMs: 260 });
    for (let round = 0; round < 6; round += 1) {
      player.run(40_000);
      player.errorMs = -5_000;
    }
    player.run(3_000);
    expect(Math.abs(player.servo.seekCostMs - 260)).toBeLessThan(30);
    const last = player.actions('seek').at(-1)!;
    expect(Math.abs(last.action.toleranceLeadMs - 260)).toBeLessThan(40);
    expect(Math.abs(player.errorMs)).toBeLessThan(40);
  });

  test('three tries in 30 s, 2 s apart, then it says so, and tries again later', () => {
    const player = new SimPlayer({ errorMs: 5_000, brokenSeeks: true }).run(29_000);
    const seeks = player.actions('seek').map((played) => played.atMs);
    expect(seeks).toHaveLength(3);
    expect(seeks[1]! - seeks[0]!).toBeGreaterThanOrEqual(2_000);
    expect(player.log.at(-1)!.action.kind).toBe('cannot_keep_up');
    player.run(35_000);
    expect(player.actions('seek')).toHaveLength(6);
  });

  test('one bad stamp moves nothing', () => {
    const player = new SimPlayer({ errorMs: 0, noiseMs: 0 }).run(2_000);
    player.errorMs = 8_000;
    player.run(200);
    player.errorMs = 0;
    player.run(5_000);
    expect(player.actions('jump')).toHaveLength(0);
    expect(player.actions('seek')).toHaveLength(0);
  });

  test('after the room moved, tries and errors from before do not count', () => {
    const player = new SimPlayer({ errorMs: 5_000, brokenSeeks: true }).run(12_000);
    expect(player.log.at(-1)!.action.kind).toBe('cannot_keep_up');
    player.servo.reset();
    player.run(1_000);
    expect(player.actions('seek')).toHaveLength(4);
  });
});

describe('held back', () => {
  test.each<[string, Partial<ServoInput>]>([
    ['an unsure clock', { clockQuality: 'coarse' }],
    ['no clock', { clockQuality: 'none' }],
    ['buffering', { buffering: true }],
    ['the first second after a resume', { resumedAtMs: -100 }],
    ['an error that is no number', { errorMs: NaN }],
  ])('%s: neither corrected nor jumped', (_name, change) => {
    const player = new SimPlayer({ errorMs: 700, skewPpm: 40 }).run(900, change);
    expect(player.actions('jump')).toHaveLength(0);
    expect(player.actions('seek')).toHaveLength(0);
    for (const { rate } of player.rates()) expect(rate).toBeCloseTo(1 + 40e-6, 9);
  });

  test('a correction under way stops when the clock becomes unsure', () => {
    const player = new SimPlayer({ errorMs: 30, noiseMs: 0 }).run(3_000);
    expect(Math.abs(player.rates().at(-1)!.rate - 1)).toBeGreaterThan(0.003);
    player.run(400, { clockQuality: 'coarse' });
    expect(Math.abs(player.rates().at(-1)!.rate - 1)).toBeLessThan(200e-6);
  });

  test('a second after the resume it corrects', () => {
    const player = new SimPlayer({ errorMs: 700 }).run(3_000, { resumedAtMs: 0 });
    expect(player.actions('seek')[0]!.atMs).toBeGreaterThanOrEqual(1_000);
  });
});
