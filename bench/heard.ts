// Counts what listeners hear by the numbers of the messages, not by frames: a frame may carry several, and one may be missing.

export interface HeardCounts {
  /** Messages. */
  readonly events: number;
  readonly frames: number;
  readonly bytes: number;
  /** Numbers that were left out, and numbers that came again or too late. */
  readonly missing: number;
  readonly again: number;
}

const NUMBER = Buffer.from('"seq":');
const [DIGIT_0, DIGIT_9] = [0x30, 0x39];
const NOTHING: HeardCounts = { events: 0, frames: 0, bytes: 0, missing: 0, again: 0 };

/** Adds up what all its ears hear. */
export class Heard {
  #counts = { ...NOTHING };
  #newest = 0;
  #onNumber: ((seq: number) => void) | undefined;

  /** The highest number that anybody has heard. */
  get newest(): number {
    return this.#newest;
  }

  /** Called for each number that a listener hears from now on; undefined: no more. */
  follow(onNumber: ((seq: number) => void) | undefined): void {
    this.#onNumber = onNumber;
  }

  /** Of one listener, in one room. @returns what takes each frame that it gets */
  ear(): (frame: Buffer) => void {
    let last: number | undefined;
    return (frame) => {
      const counts = this.#counts;
      const before = counts.events;
      for (let at = frame.indexOf(NUMBER); at >= 0; at = frame.indexOf(NUMBER, at)) {
        at += NUMBER.length;
        const seq = numberAt(frame, at);
        counts.events += 1;
        if (last !== undefined && seq <= last) counts.again += 1;
        else {
          if (last !== undefined) counts.missing += seq - last - 1;
          last = seq;
          if (seq > this.#newest) this.#newest = seq;
          this.#onNumber?.(seq);
        }
      }
      // Presence and the like are no news.
      if (counts.events === before) return;
      counts.frames += 1;
      counts.bytes += frame.length;
    };
  }

  /** Since the last time. */
  take(): HeardCounts {
    const counts = this.#counts;
    this.#counts = { ...NOTHING };
    return counts;
  }
}

function numberAt(bytes: Buffer, from: number): number {
  let value = 0;
  for (let at = from; ; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte < DIGIT_0 || byte > DIGIT_9) return value;
    value = value * 10 + byte - DIGIT_0;
  }
}
