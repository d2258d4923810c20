// Owns what is believed of an output's latency, from what a browser says now and then; knows no device and no audio API.

/** A latency above this is nonsense that some Bluetooth stacks report. */
export const believableLatencyMs = 500;
/** A reading counts for so much: browsers round, and some swing by a buffer's length. */
const share = 0.1;
/** Readings that agree with each other, and not with what was believed, are another device. */
const jumpMs = 25;
const agreeMs = 15;
const agreeingToJump = 4;
const settledAfter = 8;

export class OutputLatency {
  #ms: number | undefined;
  #readings = 0;
  #doubted: number[] = [];

  /** Undefined while nothing credible was said. */
  get ms(): number | undefined {
    return this.#ms;
  }

  /** Said often enough, since the last jump, to tell a device by it. */
  get settled(): boolean {
    return this.#readings >= settledAfter;
  }

  /** @param sec as the browser says; absent, 0 or nonsense is not believed. */
  add(sec: number | undefined): void {
    if (sec === undefined || !(sec > 0) || sec * 1_000 > believableLatencyMs) return;
    const ms = sec * 1_000;
    if (this.#ms === undefined) {
      this.#begin(ms);
    } else if (Math.abs(ms - this.#ms) > jumpMs) {
      this.#doubt(ms);
    } else {
      this.#doubted = [];
      this.#readings += 1;
      this.#ms += share * (ms - this.#ms);
    }
  }

  /** Another device may sound: it is for the next readings to say. */
  forget(): void {
    this.#ms = undefined;
    this.#readings = 0;
    this.#doubted = [];
  }

  #doubt(ms: number): void {
    this.#doubted = [...this.#doubted.filter((other) => Math.abs(other - ms) <= agreeMs), ms];
    if (this.#doubted.length >= agreeingToJump) this.#begin(ms);
  }

  #begin(ms: number): void {
    this.#ms = ms;
    this.#readings = 1;
    this.#doubted = [];
  }
}
