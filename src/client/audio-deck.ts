// Owns one media element: its address, its place, its level; knows nothing of when it should play.
import type { TrackId } from '../../protocol/ids.ts';
import { isRefusal, pauseAfter } from './player-media.ts';

export interface DeckOptions {
  readonly element: HTMLAudioElement;
  readonly url: (trackId: TrackId, fresh: boolean) => Promise<string>;
  /** With a context, sound goes through it: levels change without clicks and on time. */
  readonly context?: AudioContext | undefined;
  readonly destination?: AudioNode | undefined;
  /** Calls once after so many ms; returns what cancels it. */
  readonly after: (ms: number, call: () => void) => () => void;
  readonly onChange: () => void;
}

const enoughData = 4;
const someData = 2;
const fadeSec = 0.008;
/** A change of level while it sounds is spread over this time constant. */
const levelSec = 0.1;
/** `MediaError.MEDIA_ERR_NETWORK`: it came, and then came no more. */
const networkError = 2;
/** Having played so far since the last failure, it has all its tries again. */
const playedWellMs = 10_000;
const changes = ['canplay', 'canplaythrough', 'playing', 'seeked', 'ended', 'waiting'] as const;

/**
 * An element is loaded with one track at a time. A failure gets one fresh address, from where it was; a second one is told. A network
 * that is away is waited for, as the room will still be there.
 */
export class Deck {
  readonly element: HTMLAudioElement;
  readonly #options: DeckOptions;
  readonly #gain: GainNode | undefined;
  readonly #trim: GainNode | undefined;
  #level = 1;
  #volume = 1;
  #trackId: TrackId | undefined;
  #failure: string | undefined;
  #tries = 0;
  #failedAtMs = -Infinity;
  /** Tries since the network was last there. */
  #awayTries = 0;
  #cancelRetry: () => void = () => undefined;
  #cueMs: number | undefined;
  #wantsToPlay = false;
  #wantsPress = false;
  #closed = false;
  #openSec = 0;
  #closeSec = Infinity;

  constructor(options: DeckOptions) {
    const { element, context, destination } = options;
    this.#options = options;
    this.element = element;
    element.preload = 'auto';
    element.crossOrigin = 'anonymous';
    // A shift of pitch of 0.5 % is not heard; the stretching that would avoid it is, and it delays by an unknown time.
    element.preservesPitch = false;
    if (context !== undefined && destination !== undefined) {
      this.#gain = context.createGain();
      this.#gain.gain.value = 0;
      context.createMediaElementSource(element).connect(this.#gain);
      this.#trim = context.createGain();
      this.#gain.connect(this.#trim);
      this.#trim.connect(destination);
    }
    element.addEventListener('error', this.#onError);
    element.addEventListener('loadedmetadata', this.#onMetadata);
    for (const event of changes) {
      element.addEventListener(event, options.onChange);
    }
  }

  get trackId(): TrackId | undefined {
    return this.#trackId;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** Where it is, as its own clock says. */
  get positionMs(): number {
    return this.#cueMs ?? this.element.currentTime * 1_000;
  }

  /** Something outside has stopped it: a call, headphones that were taken out, another app. */
  get isHeldOutside(): boolean {
    const { paused, ended, readyState } = this.element;
    return this.#wantsToPlay && paused && !ended && readyState > someData;
  }

  /** The browser let it play no more without a press. */
  get wantsPress(): boolean {
    return this.#wantsPress;
  }

  /** Sound comes out of it, so its position means something. */
  get isSettled(): boolean {
    const { paused, seeking, readyState, ended } = this.element;
    return !paused && !seeking && !ended && readyState > someData && this.#cueMs === undefined;
  }

  load(trackId: TrackId): void {
    if (this.#trackId === trackId) return;
    this.unload();
    this.#trackId = trackId;
    this.#setSource(trackId, false);
  }

  unload(): void {
    this.#trackId = undefined;
    this.#failure = undefined;
    this.#tries = 0;
    this.#failedAtMs = -Infinity;
    this.#awayTries = 0;
    this.#cancelRetry();
    this.#cueMs = undefined;
    this.#wantsToPlay = false;
    this.element.pause();
    if (this.element.hasAttribute('src')) {
      this.element.removeAttribute('src');
      this.element.load();
    }
  }

  /** How much can be heard from a position on without waiting. */
  bufferedMsFrom(positionMs: number): number {
    const { buffered } = this.element;
    for (let i = 0; i < buffered.length; i += 1) {
      const fromMs = buffered.start(i) * 1_000;
      const untilMs = buffered.end(i) * 1_000;
      if (fromMs <= positionMs + 50 && untilMs > positionMs) return untilMs - positionMs;
    }
    return 0;
  }

  get hasEnough(): boolean {
    return this.element.readyState >= enoughData;
  }

  seek(positionMs: number): void {
    if (this.element.readyState === 0) this.#cueMs = positionMs;
    else this.element.currentTime = positionMs / 1_000;
  }

  play(): void {
    this.#wantsToPlay = true;
    this.#wantsPress = false;
    this.#start();
  }

  pause(): void {
    this.#wantsToPlay = false;
    this.element.pause();
  }

  setRate(rate: number): void {
    if (this.element.playbackRate !== rate) this.element.playbackRate = rate;
  }

  /** Heard from a context time on, with a short rise. Without a context it is heard as it plays. */
  openAt(sec: number): void {
    this.#openSec = sec;
    this.#closeSec = Infinity;
    this.#applyLevels();
  }

  /** Silent from a context time on; Infinity takes back what was planned. */
  closeAt(sec: number): void {
    if (Math.abs(sec - this.#closeSec) < 0.0005 || sec === this.#closeSec) return;
    this.#closeSec = sec;
    this.#applyLevels();
  }

  /** The factor that makes its track as loud as the others. An element alone can only be made quieter. */
  setLevel(level: number): void {
    if (level === this.#level) return;
    this.#level = level;
    const { context } = this.#options;
    if (this.#trim === undefined || context === undefined) this.#applyVolume();
    else if (this.#wantsToPlay)
      this.#trim.gain.setTargetAtTime(level, context.currentTime, levelSec);
    else this.#trim.gain.setValueAtTime(level, context.currentTime);
  }

  /** Where no context has a node for it. @param volume 0 to 1 */
  setVolume(volume: number): void {
    this.#volume = volume;
    this.#applyVolume();
  }

  /** Called in a press: from then on the browser lets it play without one. */
  bless(): void {
    if (!this.element.hasAttribute('src')) this.element.load();
    else if (this.isHeldOutside) this.play();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.unload();
    this.element.removeEventListener('error', this.#onError);
    this.element.removeEventListener('loadedmetadata', this.#onMetadata);
    for (const event of changes) {
      this.element.removeEventListener(event, this.#options.onChange);
    }
    this.#gain?.disconnect();
    this.#trim?.disconnect();
  }

  #applyVolume(): void {
    this.element.volume = Math.min(1, this.#volume * this.#level);
  }

  #applyLevels(): void {
    if (this.#gain === undefined) return;
    const { gain } = this.#gain;
    const openedSec = this.#openSec + fadeSec;
    gain.cancelScheduledValues(0);
    gain.setValueAtTime(0, this.#openSec);
    gain.linearRampToValueAtTime(1, openedSec);
    if (this.#closeSec === Infinity) return;
    const closeSec = Math.max(this.#closeSec, openedSec);
    gain.setValueAtTime(1, closeSec);
    gain.linearRampToValueAtTime(0, closeSec + fadeSec);
  }

  #start(): void {
    this.element.play().catch((cause: unknown) => {
      // A pause or another address meanwhile rejects as well; only the refusal of the browser wants somebody to do something.
      if (cause instanceof Error && cause.name === 'NotAllowedError') this.#wantsPress = true;
      this.#options.onChange();
    });
  }

  #setSource(trackId: TrackId, fresh: boolean): void {
    this.#options.url(trackId, fresh).then(
      (url) => {
        if (this.#trackId !== trackId || this.#closed) return;
        this.element.src = url;
        this.element.load();
        if (this.#wantsToPlay) this.#start();
      },
      (cause: unknown) => {
        if (this.#trackId !== trackId || this.#closed) return;
        if (isRefusal(cause)) this.#fail(cause instanceof Error ? cause.message : String(cause));
        else this.#retryLater(trackId);
      },
    );
  }

  #retryLater(trackId: TrackId): void {
    this.#awayTries += 1;
    this.#cancelRetry();
    this.#cancelRetry = this.#options.after(pauseAfter(this.#awayTries), () =>
      this.#setSource(trackId, true),
    );
  }

  #fail(message: string): void {
    this.#failure = message;
    this.#options.onChange();
  }

  readonly #onError = (): void => {
    const trackId = this.#trackId;
    if (trackId === undefined || !this.element.hasAttribute('src')) return;
    const atMs = this.positionMs;
    if (this.element.error?.code === networkError) {
      this.#cueMs = atMs;
      this.#retryLater(trackId);
      return;
    }
    // An address that ends in a long track is no reason to give up later, when the next one ends.
    if (Math.abs(atMs - this.#failedAtMs) > playedWellMs) this.#tries = 0;
    this.#failedAtMs = atMs;
    this.#tries += 1;
    if (this.#tries > 1) {
      this.#fail(this.element.error?.message ?? 'the media cannot be played');
      return;
    }
    this.#cueMs = atMs;
    this.#setSource(trackId, true);
  };

  readonly #onMetadata = (): void => {
    this.#awayTries = 0;
    if (this.#cueMs !== undefined) this.element.currentTime = this.#cueMs / 1_000;
    this.#cueMs = undefined;
    this.#options.onChange();
  };
}
