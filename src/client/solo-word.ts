// Owns what a person says of their listening outside a room, and that it is said again as long as it is true (FE6). Knows no feed.
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';
import type { Platform, TimerHandle } from './platform.ts';
import type { Outcome, SendOptions } from './request-book.ts';

type Word = RequestBody<'activity.set'>;

/** What somebody listens to by themselves. */
export interface SoloListening {
  /** In the hub's catalogue, or told by its names. */
  readonly track: Word['track'];
  /** Where it is now, ms. */
  readonly positionMs: number;
  readonly state: 'playing' | 'paused';
  /** Whether friends may make a room of it; yes where it is absent. */
  readonly joinable?: boolean;
}

/** The hub takes it for over after sixty seconds without a word. */
const SAID_EVERY_MS = 20_000;

export interface SoloWordDeps {
  readonly platform: Pick<Platform, 'performanceNow' | 'setTimeout' | 'clearTimeout'>;
  send<T extends RequestType>(
    type: T,
    body: RequestBody<T>,
    options: SendOptions,
    done: (outcome: Outcome<T>) => void,
  ): unknown;
}

export class SoloWord {
  readonly #deps: SoloWordDeps;
  #listening: SoloListening | undefined;
  /** `performanceNow` at which its position was right. */
  #saidAt = 0;
  #isConnected = false;
  #timer: TimerHandle;

  constructor(deps: SoloWordDeps) {
    this.#deps = deps;
  }

  set(listening: SoloListening | undefined): void {
    const before = this.#listening;
    this.#listening = listening;
    this.#saidAt = this.#deps.platform.performanceNow();
    if (listening === undefined && before !== undefined && this.#isConnected)
      this.#send({ track: before.track, positionMs: 0, state: 'stopped' });
    this.#say();
  }

  connected(): void {
    this.#isConnected = true;
    this.#say();
  }

  lost(): void {
    this.#isConnected = false;
    this.#deps.platform.clearTimeout(this.#timer);
  }

  #say(): void {
    const { platform } = this.#deps;
    platform.clearTimeout(this.#timer);
    const listening = this.#listening;
    if (listening === undefined || !this.#isConnected) return;
    const { track, state, joinable } = listening;
    const movedMs = state === 'playing' ? platform.performanceNow() - this.#saidAt : 0;
    const positionMs = Math.max(0, Math.round(listening.positionMs + movedMs));
    this.#send({ track, positionMs, state, ...(joinable === undefined ? {} : { joinable }) });
    this.#timer = platform.setTimeout(() => this.#say(), SAID_EVERY_MS);
  }

  #send(word: Word): void {
    // What was not heard is said again in a while.
    this.#deps.send('activity.set', word, { onThisSocketOnly: true }, () => undefined);
  }
}
