// When the player's servo moves what is heard: at once after a proven step, and not without end.
import { describe, expect, it } from 'vitest';
import type { AudioOutput, Correction, Stretch } from '../../src/client/audio-output.ts';
import { PlayerServo } from '../../src/client/player-servo.ts';

const TICK_MS = 250;
const STRETCH = { id: 'one', joins: false } as Stretch;

/** Sound that is where it is put, under a clock whose hub time leaps. */
class Heard {
  readonly movedAt: number[] = [];
  readonly servo = new PlayerServo(() => undefined);
  errorMs = 0;
  nowMs = 1_000_000;
  readonly #output: AudioOutput;

  constructor(kind: AudioOutput['kind']) {
    this.#output = {
      kind,
      latencyMs: 0,
      prepare: nothing,
      buffered: () => ({ bufferedMs: Infinity, ready: true }),
      follow: nothing,
      measure: () => undefined,
      correct: (each) => this.#correct(each),
      close: nothing,
    };
  }

  run(forMs: number): this {
    for (const untilMs = this.nowMs + forMs; this.nowMs < untilMs; this.nowMs += TICK_MS) {
      this.servo.step({
        output: this.#output,
        measured: { stretch: STRETCH, positionMs: 0, errorMs: this.errorMs },
        clock: {
          quality: 'good',
          maxErrorMs: 1,
          estErrorMs: 0.2,
          rttMinMs: 2,
          skewPpm: 0,
          resets: 0,
        },
        audioSkewPpm: 0,
        buffering: false,
        nowMs: this.nowMs,
      });
    }
    return this;
  }

  leap(byMs: number): this {
    this.errorMs -= byMs;
    this.servo.realign('clock');
    return this;
  }

  movesWithin(spanMs: number): number {
    return Math.max(
      0,
      ...this.movedAt.map(
        (from) => this.movedAt.filter((at) => at >= from && at < from + spanMs).length,
      ),
    );
  }

  #correct(correction: Correction): void {
    if (correction.kind !== 'move') return;
    this.errorMs += correction.byMs;
    this.movedAt.push(this.nowMs);
  }
}

function nothing(): void {
  // Sound that is only moved has nothing to load, place or release.
}

describe.each(['webaudio', 'element'] as const)('PlayerServo, %s', (kind) => {
  it('follows a proven step at once', () => {
    const heard = new Heard(kind).run(5_000).leap(400).run(TICK_MS);
    expect(heard.movedAt).toHaveLength(1);
  });

  it('moves at most three times in half a minute, however often hub time leaps', () => {
    const heard = new Heard(kind).run(5_000);
    for (let leaps = 0; leaps < 40; leaps += 1) heard.leap(leaps % 2 === 0 ? 900 : -700).run(3_000);
    expect(heard.movesWithin(30_000)).toBe(3);
  });

  it('moves as often as the output itself turns out to be elsewhere', () => {
    const heard = new Heard(kind).run(5_000);
    for (let nudges = 0; nudges < 6; nudges += 1) {
      heard.errorMs = 200;
      heard.servo.realign('output');
      heard.run(2_000);
    }
    expect(heard.movedAt).toHaveLength(6);
  });

  it('follows again when half a minute was quiet', () => {
    const heard = new Heard(kind).run(5_000);
    for (let leaps = 0; leaps < 6; leaps += 1) heard.leap(900).run(2_500);
    heard.run(60_000);
    const before = heard.movedAt.length;
    expect(heard.leap(400).run(TICK_MS).movedAt).toHaveLength(before + 1);
  });

  it('does not wait for local time that leapt back to catch up', () => {
    const heard = new Heard(kind).run(5_000).leap(400).run(5_000);
    heard.nowMs -= 200_000;
    heard.leap(200).run(TICK_MS);
    expect(heard.movedAt).toHaveLength(2);
    heard.errorMs = 700;
    heard.run(10_000);
    expect(heard.movedAt.length).toBeGreaterThan(2);
  });
});
