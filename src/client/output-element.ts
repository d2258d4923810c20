// Owns sound from media elements, for what is too long to decode or where no audio context is; must not know rooms or hub time.
import type { TrackId } from '../../protocol/ids.ts';
import { RecentErrors } from '../clock/recent-errors.ts';
import { SeekCost } from '../clock/seek-cost.ts';
import { Deck } from './audio-deck.ts';
import type { SoundHold } from './audio-graph.ts';
import type {
  AudioOutput,
  Buffered,
  Correction,
  Measurement,
  Stretch,
  WantedTrack,
} from './audio-output.ts';
import type { AudioTimeline } from './audio-timeline.ts';

export interface ElementOutputOptions {
  readonly createElement: () => HTMLAudioElement;
  readonly url: (trackId: TrackId, fresh: boolean) => Promise<string>;
  /** The factor that makes a track as loud as the others. */
  readonly levelOf: (trackId: TrackId) => number;
  /** Sound goes through it where there is one. */
  readonly graph?:
    | {
        readonly context: AudioContext;
        readonly destination: AudioNode;
        readonly timeline: AudioTimeline;
      }
    | undefined;
  /** Calls once after so many ms; returns what cancels it. */
  readonly after: (ms: number, call: () => void) => () => void;
  readonly now: () => number;
  readonly onChange: () => void;
}

interface Part {
  stretch: Stretch;
  /** When it begins to sound: where the stretch does, or later where it was stopped meanwhile. */
  startMs: number;
  readonly deck: Deck;
  phase: 'cued' | 'playing';
  cancelStart: () => void;
  cancelEnd: () => void;
}

const deckCount = 3;
const fadeMs = 8;
/** The clock's estimate creeps: what moved by less is not placed anew. */
const sameMomentMs = 1;
/** So much of the start makes an entry ready. */
const readyMs = 3_000;
/** What `play()` and a seek cost at first, until this device has shown what they do. */
const startCostMs = 8;
const seekCostMs = 60;
/** An element that something outside has stopped is started again so often. */
const betweenTriesMs = 1_000;
/** So long after it was found stopped it sounds again. */
const resumeLeadMs = 300;
/** From here on a start is in the hands of a timer, and is not placed again. */
const committedMs = 150;

/**
 * Three decks: one plays, the others hold the two tracks that come next, at their starts. Elements cannot be scheduled, so starts are timers less what
 * starting has cost so far; a deck that ends starts the next one by its own event, should timers be asleep.
 */
export class ElementOutput implements AudioOutput {
  readonly kind = 'element';
  readonly #options: ElementOutputOptions;
  readonly #decks: Deck[] = [];
  readonly #startCost = new SeekCost(startCostMs);
  readonly #seekCost = new SeekCost(seekCostMs);
  #parts: Part[] = [];
  #triedAtMs = -Infinity;
  readonly #errors = new RecentErrors();
  #rate = 1;
  #volume = 1;
  #wanted: readonly WantedTrack[] = [];

  constructor(options: ElementOutputOptions) {
    this.#options = options;
  }

  get latencyMs(): number {
    return this.#options.graph?.timeline.latencyMs ?? 0;
  }

  /** What keeps sound away that should be heard at `nowMs`. */
  heldBy(nowMs: number): SoundHold | undefined {
    const part = this.#partAt(nowMs);
    if (part?.phase !== 'playing' || !part.deck.isHeldOutside) return undefined;
    return part.deck.wantsPress ? 'press' : 'system';
  }

  prepare(tracks: readonly WantedTrack[]): void {
    this.#wanted = tracks.slice(0, deckCount);
    for (const { trackId, positionMs } of this.#wanted) {
      if (this.#decks.some((each) => each.trackId === trackId)) continue;
      const deck = this.#deckFor(trackId);
      if (deck === undefined) continue;
      deck.load(trackId);
      deck.seek(positionMs);
    }
    for (const deck of this.#decks) {
      if (deck.trackId !== undefined) deck.setLevel(this.#options.levelOf(deck.trackId));
    }
  }

  buffered({ trackId, positionMs, durationMs }: WantedTrack): Buffered {
    const deck = this.#decks.find((each) => each.trackId === trackId);
    if (deck === undefined) return { bufferedMs: 0, ready: false };
    if (deck.failure !== undefined) return { bufferedMs: 0, ready: false, failure: deck.failure };
    const bufferedMs = deck.bufferedMsFrom(positionMs);
    const wantedMs = Math.min(readyMs, durationMs - positionMs - 100);
    return { bufferedMs, ready: deck.hasEnough && bufferedMs >= wantedMs };
  }

  follow(stretches: readonly Stretch[], nowMs: number): void {
    for (const part of [...this.#parts]) {
      if (!stretches.some(({ id }) => id === part.stretch.id)) this.#end(part, nowMs);
    }
    for (const stretch of stretches.slice(0, 2)) {
      const part = this.#parts.find((each) => each.stretch.id === stretch.id);
      if (part !== undefined) this.#renew(part, stretch, nowMs);
      else this.#begin(stretch, nowMs);
    }
  }

  measure(nowMs: number): Measurement | undefined {
    const part = this.#partAt(nowMs);
    if (part?.phase !== 'playing' || !part.deck.isSettled) return undefined;
    const { stretch, deck } = part;
    const heardMs = this.#heardPositionMs(deck, nowMs);
    if (heardMs <= 0) return undefined;
    const dueMs = stretch.positionMs + nowMs - stretch.startMs;
    const errorMs = this.#errors.add(heardMs - dueMs, stretch.id);
    const positionMs = dueMs + errorMs;
    this.#startCost.learn(errorMs, nowMs);
    this.#seekCost.learn(errorMs, nowMs);
    return { stretch, positionMs, errorMs };
  }

  correct(correction: Correction, nowMs: number): void {
    const part = this.#partAt(nowMs);
    if (correction.kind === 'rate') {
      this.#rate = correction.rate;
      part?.deck.setRate(correction.rate);
      return;
    }
    if (part?.phase !== 'playing') return;
    this.#startCost.cancel();
    this.#errors.clear();
    part.deck.seek(Math.max(0, part.deck.positionMs + correction.byMs));
  }

  /** Called in a press: the decks may play from then on. */
  unlock(): void {
    while (this.#decks.length < deckCount) this.#addDeck();
    for (const deck of this.#decks) deck.bless();
  }

  /** Where no audio graph does it. */
  setVolume(volume: number): void {
    this.#volume = volume;
    if (this.#options.graph === undefined) for (const deck of this.#decks) deck.setVolume(volume);
  }

  close(): void {
    for (const part of this.#parts) cancelTimers(part);
    this.#parts = [];
    for (const deck of this.#decks) deck.close();
  }

  #begin(stretch: Stretch, nowMs: number): void {
    const deck = this.#deckFor(stretch.trackId);
    if (deck === undefined || this.#parts.some((part) => part.deck === deck)) return;
    if (deck.trackId !== stretch.trackId) deck.load(stretch.trackId);
    if (deck.failure !== undefined) return;
    deck.setLevel(this.#options.levelOf(stretch.trackId));
    const { startMs } = stretch;
    const part: Part = {
      stretch,
      startMs,
      deck,
      phase: 'cued',
      cancelStart: idle,
      cancelEnd: idle,
    };
    this.#parts.push(part);
    deck.setRate(this.#rate);
    if (stretch.startMs > nowMs) {
      if (Math.abs(deck.positionMs - stretch.positionMs) > 1) deck.seek(stretch.positionMs);
      this.#scheduleStart(part, nowMs);
    } else {
      this.#join(part, nowMs);
    }
    this.#scheduleEnd(part, nowMs);
  }

  /** The stretch runs already: begin in its middle, ahead by what the seek is expected to cost. */
  #join(part: Part, nowMs: number): void {
    const { stretch, deck } = part;
    const positionMs = stretch.positionMs + nowMs - stretch.startMs + this.#heardLaterMs();
    if (positionMs >= stretch.durationMs) return;
    part.phase = 'playing';
    deck.seek(positionMs + this.#seekCost.expectedMs);
    this.#seekCost.begin(nowMs);
    deck.play();
    this.#open(part, nowMs);
  }

  #renew(part: Part, stretch: Stretch, nowMs: number): void {
    const movedStart = Math.abs(part.stretch.startMs - stretch.startMs) > sameMomentMs;
    part.startMs += stretch.startMs - part.stretch.startMs;
    const movedEnd = Math.abs(part.stretch.endMs - stretch.endMs) > sameMomentMs;
    part.stretch = stretch;
    if (part.phase === 'playing' && !part.deck.isSettled) this.#postpone(nowMs);
    if (part.phase === 'playing') this.#playAgain(part, nowMs);
    if (part.phase === 'cued') {
      if (part.startMs < nowMs) this.#startNow(part);
      else if (movedStart && part.startMs - nowMs > committedMs) {
        this.#scheduleStart(part, nowMs);
      }
    }
    if (movedEnd) this.#scheduleEnd(part, nowMs);
  }

  /**
   * What stopped it from outside may be over: nobody tells, so it is tried now and then. It has all that it needs, so it is placed ahead and
   * started there: what a start costs is known better than what a seek does.
   */
  #playAgain(part: Part, nowMs: number): void {
    if (!part.deck.isHeldOutside || nowMs - this.#triedAtMs < betweenTriesMs) return;
    this.#triedAtMs = nowMs;
    const { stretch, deck } = part;
    part.phase = 'cued';
    part.startMs = nowMs + resumeLeadMs;
    deck.pause();
    deck.seek(stretch.positionMs + part.startMs - stretch.startMs);
    this.#scheduleStart(part, nowMs);
  }

  #scheduleStart(part: Part, nowMs: number): void {
    part.cancelStart();
    const leadMs = this.#heardLaterMs() + this.#startCost.expectedMs;
    const inMs = part.startMs - leadMs - nowMs;
    part.cancelStart = this.#options.after(Math.max(0, inMs), () => this.#startNow(part));
  }

  #startNow(part: Part): void {
    if (part.phase === 'playing' || !this.#parts.includes(part)) return;
    const nowMs = this.#options.now();
    part.phase = 'playing';
    const leadMs = this.#heardLaterMs() + this.#startCost.expectedMs;
    const lateMs = nowMs + leadMs - part.startMs;
    if (lateMs > 300) {
      part.phase = 'cued';
      this.#join(part, nowMs);
      return;
    }
    this.#startCost.begin(nowMs);
    part.deck.play();
    this.#open(part, nowMs);
    this.#options.onChange();
  }

  #scheduleEnd(part: Part, nowMs: number): void {
    part.cancelEnd();
    const { stretch } = part;
    const byItself = stretch.endMs - stretch.startMs >= stretch.durationMs - stretch.positionMs - 2;
    // By itself it ends with its last sample; only the next one may have to be woken by it.
    if (byItself) {
      part.deck.closeAt(Infinity);
      return;
    }
    const inMs = stretch.endMs - nowMs;
    const sec = this.#secHeardAt(stretch.endMs);
    if (sec !== undefined) part.deck.closeAt(sec);
    const pauseInMs = sec === undefined ? inMs : inMs + fadeMs;
    part.cancelEnd = this.#options.after(Math.max(0, pauseInMs), () =>
      this.#end(part, this.#options.now()),
    );
  }

  #end(part: Part, nowMs: number): void {
    cancelTimers(part);
    this.#parts = this.#parts.filter((each) => each !== part);
    const sec = this.#secHeardAt(nowMs);
    if (sec !== undefined) part.deck.closeAt(sec);
    part.deck.pause();
    this.#startCost.cancel();
    this.#seekCost.cancel();
  }

  #open(part: Part, nowMs: number): void {
    const context = this.#options.graph?.context;
    if (context === undefined) return;
    const sec = this.#secHeardAt(Math.max(nowMs, part.startMs)) ?? context.currentTime;
    const inside =
      part.stretch.positionMs > 0 || part.stretch.startMs < part.startMs || part.startMs < nowMs;
    // At its very beginning a track is silent by itself, and its first sound must not be shaved off.
    const atSec = inside ? sec : sec - 0.05;
    part.deck.openAt(Math.max(context.currentTime, atSec));
  }

  #postpone(nowMs: number): void {
    this.#seekCost.postpone(nowMs);
    this.#startCost.postpone(nowMs);
  }

  /** Through a context, an element's clock tells what enters it, not what leaves the speakers. */
  #heardLaterMs(): number {
    const graph = this.#options.graph;
    if (graph === undefined) return 0;
    return graph.timeline.aheadMs;
  }

  /**
   * An element that feeds a context moves on by whole buffers, as the context's own time does: read beside each other they tell to a
   * millisecond or two what is heard, where beside the local clock a buffer's length comes and goes.
   */
  #heardPositionMs(deck: Deck, nowMs: number): number {
    const { graph } = this.#options;
    const heardAtMs = graph?.timeline.heardAtMs(graph.context.currentTime);
    if (heardAtMs === undefined) return deck.positionMs - this.#heardLaterMs();
    return deck.positionMs - (heardAtMs - nowMs);
  }

  #secHeardAt(localMs: number): number | undefined {
    return this.#options.graph?.timeline.secHeardAt(localMs);
  }

  #partAt(nowMs: number): Part | undefined {
    return this.#parts.find(({ stretch }) => stretch.startMs <= nowMs && nowMs < stretch.endMs);
  }

  /** The deck that holds the track, else one that nothing needs. */
  #deckFor(trackId: TrackId): Deck | undefined {
    const busy = this.#parts.map(({ deck }) => deck);
    const holding = this.#decks.find((deck) => deck.trackId === trackId && !busy.includes(deck));
    if (holding !== undefined) return holding;
    if (this.#decks.length < deckCount) return this.#addDeck();
    const free = this.#decks.filter((deck) => !busy.includes(deck));
    const unwanted = free.find(
      (deck) => !this.#wanted.some((track) => track.trackId === deck.trackId),
    );
    return unwanted ?? free[0];
  }

  #addDeck(): Deck {
    const { createElement, url, graph, after } = this.#options;
    const deck = new Deck({
      element: createElement(),
      url,
      context: graph?.context,
      destination: graph?.destination,
      after,
      onChange: () => this.#onDeckChange(),
    });
    if (graph === undefined) deck.setVolume(this.#volume);
    this.#decks.push(deck);
    return deck;
  }

  #onDeckChange(): void {
    const ended = this.#parts.find(({ deck }) => deck.element.ended);
    const next = this.#parts.find(({ phase, stretch }) => phase === 'cued' && stretch.joins);
    if (ended !== undefined && next !== undefined) this.#startNow(next);
    this.#options.onChange();
  }
}

function idle(): void {
  // nothing is under way
}

function cancelTimers(part: Part): void {
  part.cancelStart();
  part.cancelEnd();
}
