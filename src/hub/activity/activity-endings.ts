// What somebody of this node has listened to, until its end is told to the history: whether it was private is asked once more before that.
// Knows neither feed nor stores.
import type { HubMs } from '../../../protocol/ids.ts';

export interface Ending<Candidate> {
  readonly candidate: Candidate;
  readonly endedAt: HubMs;
  /** Whether it is told as private, for want of an answer. */
  isTold: boolean;
}

/** Of one person: stores may be away for long, and then the oldest ones stay private. */
const MOST = 50;

export class ActivityEndings<Candidate> {
  #all: Ending<Candidate>[] = [];

  get size(): number {
    return this.#all.length;
  }

  add(candidate: Candidate, endedAt: HubMs): void {
    this.#all.push({ candidate, endedAt, isTold: false });
    if (this.#all.length > MOST) this.#all.shift();
  }

  /** Those whose end is to be told: undefined where nobody could be asked yet. What is known is told once, and then forgotten here. */
  settle(
    isPrivate: (candidate: Candidate) => boolean | undefined,
    tell: (ending: Ending<Candidate>, isPrivate: boolean | undefined) => void,
  ): void {
    this.#all = this.#all.filter((ending) => {
      const answer = isPrivate(ending.candidate);
      if (answer !== undefined || !ending.isTold) tell(ending, answer);
      ending.isTold = true;
      return answer === undefined;
    });
  }

  clear(): void {
    this.#all = [];
  }
}
