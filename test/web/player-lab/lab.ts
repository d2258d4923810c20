// Owns the page of the lab: a player in a room that the test directs, with an ear at its output; the hub is this machine's own clock.
import type { EntryId, TrackId } from '../../../protocol/ids.ts';
import {
  anchorAt,
  hasTrack,
  positionAt,
  type Anchor,
  type TrackAnchor,
} from '../../../protocol/schemas/playback.ts';
import { Cell } from '../../../src/client/observable.ts';
import { Player } from '../../../src/client/player.ts';
import type { PlayerClockStatus, PlayerRoomView } from '../../../src/client/player-room.ts';
import { clickPositionsMs, clickTrackMs } from './click-track.ts';
import { tonePartsMs, type TonePart } from './tone-track.ts';

interface Heard {
  readonly kind: 'onset' | 'gap' | 'break' | 'level';
  readonly sec: number;
  readonly lengthMs?: number;
  readonly size?: number;
}

export interface Click {
  /** Hub time at which it left the speakers. */
  readonly atHubMs: number;
  /** Its place in the track less the place that the room was at: positive is ahead. */
  readonly errorMs: number;
}

export interface Corrections {
  readonly begun: number;
  readonly moves: number;
  readonly mostPercent: number;
}

export interface Gap {
  readonly atHubMs: number;
  readonly lengthMs: number;
}

/** Below this the servo only trims, as crystals differ. */
/** Before anything was corrected. */
const AT_REST = { rate: 1, moves: 0 };
const trimmingRate = 0.0015;
/** Nobody needs to hear all of the first part. */
const lateStartMs = 2_000;
/** So soon after the device was starved, the player must be back in step. */
const recoveryMs = 1_500;

class Lab {
  readonly #heard: Heard[] = [];
  readonly #stamps: { x: number; y: number }[] = [];
  readonly #status = new Cell<PlayerClockStatus>({
    quality: 'good',
    maxErrorMs: 0.1,
    estErrorMs: 0.05,
    rttMinMs: 0.2,
    skewPpm: 0,
    resets: 0,
  });
  readonly #view = new Cell<PlayerRoomView>(viewOf([{ state: 'stopped', positionMs: 0, at: 0 }]));
  readonly #past: { readonly from: number; readonly timeline: readonly Anchor[] }[] = [];
  readonly readyEntries: string[] = [];
  readonly reports: unknown[] = [];
  /** By the part of the tone. */
  gainDb: Readonly<Record<string, number>> = {};
  readonly #servo: { atHubMs: number; rate: number; moves: number }[] = [];
  #offsetMs = performance.timeOrigin;
  #offsetSince: { at: number; offsetMs: number }[] = [];
  #player: Player | undefined;

  now(): number {
    return performance.now() + this.#offsetMs;
  }

  async open(output: 'webaudio' | 'element'): Promise<void> {
    this.#offsetSince = [{ at: -Infinity, offsetMs: this.#offsetMs }];
    const player = new Player({
      client: {
        clock: {
          now: () => this.now(),
          toLocal: (at) => at - this.#offsetMs,
          status: this.#status,
        },
        api: {
          track: (id) =>
            Promise.resolve({
              mediaUrl: `/media/${id}.wav`,
              mediaUrlExpiresInMs: 600_000,
              // As recorded: the ear knows how loud a click is.
              gainDb: this.gainDb[id.slice(2, 5)] ?? 0,
            }),
        },
      },
      room: {
        view: this.#view,
        ready: (entryId) => Promise.resolve(this.readyEntries.push(entryId)),
        reportSync: (report) => Promise.resolve(this.reports.push(report)),
      },
      output,
    });
    this.#player = player;
    let [rate, moves] = [1, 0];
    player.onCorrection((correction) => {
      if (correction.kind === 'rate') rate = correction.rate;
      else moves += 1;
      this.#servo.push({ atHubMs: this.now(), rate, moves });
    });
    await player.unlock();
    const node = player.outputNode;
    if (node === undefined) throw new Error('no node to listen at');
    const context = node.context as AudioContext;
    await context.audioWorklet.addModule('/onset-worklet.js');
    const ear = new AudioWorkletNode(context, 'onset', { numberOfOutputs: 0 });
    ear.port.onmessage = ({ data }: MessageEvent<Heard>) => this.#heard.push(data);
    node.connect(ear);
    setInterval(() => {
      const { contextTime, performanceTime } = context.getOutputTimestamp();
      if (!contextTime || !performanceTime) return;
      this.#stamps.push({ x: contextTime, y: performanceTime });
    }, 20);
  }

  get state(): unknown {
    return this.#player?.state.value;
  }

  play(timeline: readonly Anchor[]): void {
    this.#past.push({ from: this.now(), timeline });
    this.#view.set(viewOf(timeline));
  }

  track(entry: string, positionMs: number, at: number, state: 'playing' | 'paused' = 'playing') {
    return anchorOf(entry, positionMs, at, state);
  }

  /** Both parts of the tone, as one after the other. @returns when the second begins */
  playTone(format: 'wav' | 'mp3' | 'm4a', at: number): number {
    const context = this.#player?.outputNode?.context;
    const file = format === 'wav' ? `${context?.sampleRate ?? 48_000}.wav` : format;
    const joinAt = at + tonePartsMs.one - lateStartMs;
    const part = (name: TonePart, from: number) => ({
      ...this.track(`${name}.${file}`, from === at ? lateStartMs : 0, from),
      durationMs: tonePartsMs[name],
    });
    const lastAt = joinAt + tonePartsMs.two;
    const end = { ...part('two', lastAt), state: 'stopped', positionMs: 0 } as const;
    this.play([part('one', at), part('two', joinAt), end]);
    return joinAt;
  }

  /** How much a tone breaks between two hub times, by its size in samples of full scale 1. */
  breaks(fromHubMs: number, untilHubMs: number): readonly { atHubMs: number; size: number }[] {
    return this.#times('break').filter(
      ({ atHubMs }) => atHubMs >= fromHubMs && atHubMs <= untilHubMs,
    );
  }

  /** What the servo did between two hub times: corrections that were begun, jumps and seeks among them, and the largest change of speed. */
  corrections(fromHubMs: number, untilHubMs: number): Corrections {
    const seen = this.#servo.filter(({ atHubMs }) => atHubMs >= fromHubMs && atHubMs <= untilHubMs);
    const before = this.#servo.findLast(({ atHubMs }) => atHubMs < fromHubMs) ?? AT_REST;
    const isFast = (rate: number): boolean => Math.abs(rate - 1) > trimmingRate;
    const begun = seen.filter(
      ({ rate }, index) => isFast(rate) && !isFast((seen[index - 1] ?? before).rate),
    );
    const moves = (seen.at(-1) ?? before).moves - before.moves;
    const most = Math.max(...[before, ...seen].map(({ rate }) => Math.abs(rate - 1)));
    return { begun: begun.length + moves, moves, mostPercent: most * 100 };
  }

  /** The level of every 50 ms between two hub times, in dB of a full-scale square. */
  levels(fromHubMs: number, untilHubMs: number): number[] {
    return this.#times('level')
      .filter(({ atHubMs }) => atHubMs >= fromHubMs && atHubMs <= untilHubMs)
      .map(({ size }) => 20 * Math.log10(size));
  }

  /** Hub time turns out to be elsewhere. */
  shiftClock(byMs: number, proven: boolean): void {
    this.#offsetMs += byMs;
    this.#offsetSince.push({ at: performance.now(), offsetMs: this.#offsetMs });
    const { value } = this.#status;
    this.#status.set({ ...value, resets: value.resets + (proven ? 1 : 0) });
  }

  freeze(forMs: number): void {
    const until = performance.now() + forMs;
    while (performance.now() < until) {
      // nothing of the page runs
    }
  }

  async suspend(forMs: number): Promise<void> {
    const context = this.#player?.outputNode?.context as AudioContext;
    await context.suspend();
    await new Promise((resolve) => setTimeout(resolve, forMs));
  }

  detach(): void {
    this.#player?.detach();
  }

  live(): void {
    this.#player?.live();
  }

  /** When the machine left the audio device without samples: from then on everything is later, until the player mends it. */
  starved(fromHubMs: number, untilHubMs: number): number[] {
    return this.#stamps.flatMap(({ x, y }, index) => {
      const next = this.#stamps[index + 1];
      if (next === undefined) return [];
      const movedMs = next.y - next.x * 1_000 - (y - x * 1_000);
      const atHubMs = next.y + this.#offsetMs;
      return Math.abs(movedMs) > 3 && atHubMs > fromHubMs && atHubMs < untilHubMs ? [atHubMs] : [];
    });
  }

  /**
   * What was heard between two hub times, each click against what the room wanted at that moment; without those of the
   * moments that a starved device needs to come back.
   */
  clicks(fromHubMs: number, untilHubMs: number): Click[] {
    const places = clickPositionsMs();
    const starved = this.starved(fromHubMs - recoveryMs, untilHubMs + 500);
    return this.#times('onset').flatMap(({ atHubMs }) => {
      if (atHubMs < fromHubMs || atHubMs > untilHubMs) return [];
      const timeline = this.#past.findLast(({ from }) => from <= atHubMs)?.timeline;
      if (timeline === undefined) return [];
      if (starved.some((at) => atHubMs > at - 500 && atHubMs < at + recoveryMs)) return [];
      const wantedMs = positionAt(anchorAt(timeline, atHubMs), atHubMs);
      const errors = places.map((place) => place - wantedMs);
      errors.sort((a, b) => Math.abs(a) - Math.abs(b));
      return [{ atHubMs, errorMs: errors[0] ?? NaN }];
    });
  }

  gaps(fromHubMs: number, untilHubMs: number): Gap[] {
    return this.#times('gap').filter(
      ({ atHubMs }) => atHubMs >= fromHubMs && atHubMs <= untilHubMs,
    );
  }

  #times(kind: Heard['kind']): (Gap & { size: number })[] {
    return this.#heard.flatMap((each) => {
      if (each.kind !== kind) return [];
      const localMs = this.#localOf(each.sec);
      const offset = this.#offsetSince.findLast(({ at }) => at <= localMs)?.offsetMs ?? 0;
      return [{ atHubMs: localMs + offset, lengthMs: each.lengthMs ?? 0, size: each.size ?? 0 }];
    });
  }

  /** By the browser's own time stamps around that moment: the median of their differences. */
  #localOf(sec: number): number {
    const within = (range: number) => this.#stamps.filter(({ x }) => Math.abs(x - sec) < range);
    const close = within(0.4);
    // While the page was frozen nobody took stamps: those around it have to do.
    const near = close.length > 0 ? close : within(3);
    const offsets = near.map(({ x, y }) => y - x * 1_000).sort((a, b) => a - b);
    return sec * 1_000 + (offsets[Math.floor(offsets.length / 2)] ?? NaN);
  }
}

function anchorOf(
  entry: string,
  positionMs: number,
  at: number,
  state: TrackAnchor['state'],
): TrackAnchor {
  return {
    state,
    entryId: entry as EntryId,
    trackId: `t-${entry}` as TrackId,
    durationMs: clickTrackMs,
    positionMs,
    at,
  };
}

function viewOf(timeline: readonly Anchor[]): PlayerRoomView {
  const entries = timeline.filter(hasTrack).map(({ entryId }) => entryId);
  const queue = Object.fromEntries(
    [...new Set([...entries, 'a', 'b', 'c'])].map((id) => [
      id,
      {
        trackId: `t-${id}`,
        title: id,
        artist: '',
        durationMs: clickTrackMs,
        hasCover: false,
        rank: id,
        addedBy: '',
        addedByName: '',
        addedAt: 0,
        score: 0,
        skipVotes: 0,
      },
    ]),
  ) as unknown as PlayerRoomView['room']['queue'];
  return {
    room: { queue, playback: { timeline, repeat: 'off', shuffle: false } },
    epoch: 1,
    status: 'joined',
  };
}

(globalThis as unknown as { lab: Lab }).lab = new Lab();
export type { Lab };
