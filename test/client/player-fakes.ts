// Owns a world for player tests: one manual time, an audio context that runs by it and keeps account of every source; no sound.
import type { EntryId, TrackId } from '../../protocol/ids.ts';
import { hasTrack, type Anchor, type TrackAnchor } from '../../protocol/schemas/playback.ts';
import { Cell } from '../../src/client/observable.ts';
import type { DeviceMemory, DeviceSettings } from '../../src/client/output-devices.ts';
import type { PlayerPlatform } from '../../src/client/player-platform.ts';
import type {
  PlayerClient,
  PlayerClockStatus,
  PlayerRoom,
  PlayerRoomView,
} from '../../src/client/player-room.ts';
import type { SyncReport } from '../../src/client/player-reports.ts';
import type { TrackGain } from '../../src/client/track-levels.ts';

interface ParamEvent {
  readonly sec: number;
  readonly value: number;
  readonly ramp: boolean;
}

export class FakeParam {
  value = 1;
  events: ParamEvent[] = [];

  setValueAtTime(value: number, sec: number): void {
    this.events.push({ sec, value, ramp: false });
  }

  linearRampToValueAtTime(value: number, sec: number): void {
    this.events.push({ sec, value, ramp: true });
  }

  setTargetAtTime(value: number, sec: number): void {
    this.events.push({ sec, value, ramp: false });
  }

  cancelScheduledValues(sec: number): void {
    this.events = this.events.filter((event) => event.sec < sec);
  }

  valueAt(sec: number): number {
    const passed = this.events.findLast((event) => event.sec <= sec);
    const next = this.events.find((event) => event.sec > sec);
    const from = passed?.value ?? this.value;
    if (next?.ramp !== true || passed === undefined) return from;
    return from + ((next.value - from) * (sec - passed.sec)) / (next.sec - passed.sec);
  }
}

class FakeNode {
  connected = false;
  to: unknown;
  connect(node?: unknown): void {
    this.connected = true;
    this.to = node;
  }
  disconnect(): void {
    this.connected = false;
  }
}

export class FakeGain extends FakeNode {
  readonly gain = new FakeParam();
}

export class FakeSource extends FakeNode {
  readonly playbackRate = new FakeParam();
  buffer: { readonly trackId: string; readonly duration: number } | null = null;
  onended: (() => void) | null = null;
  gain: FakeGain | undefined;
  startSec = Infinity;
  offsetSec = 0;
  stopSec = Infinity;
  finished = false;

  override connect(node?: unknown): void {
    super.connect(node);
    if (node instanceof FakeGain) this.gain = node;
  }

  start(sec: number, offsetSec: number): void {
    this.startSec = sec;
    this.offsetSec = offsetSec;
  }

  stop(sec = 0): void {
    this.stopSec = sec;
  }

  /** Which ms of its track comes out at a context time, by what was scheduled; undefined when none does. */
  positionMsAt(sec: number): number | undefined {
    if (sec < this.startSec || sec >= this.stopSec) return undefined;
    let at = this.startSec;
    let positionSec = this.offsetSec;
    let rate = this.playbackRate.value;
    for (const event of this.playbackRate.events) {
      if (event.sec > sec) break;
      positionSec += Math.max(0, event.sec - at) * rate;
      at = Math.max(at, event.sec);
      rate = event.value;
    }
    positionSec += (sec - at) * rate;
    const { duration = 0 } = this.buffer ?? {};
    return positionSec < duration ? positionSec * 1_000 : undefined;
  }
}

/** Runs `skewPpm` faster than local time, and is heard `latencyMs` later. */
export class FakeContext {
  readonly sampleRate = 48_000;
  readonly baseLatency = 0.01;
  /** How much later than it is rendered a sample is heard. */
  latencySec = 0.05;
  /** What the context says of it; undefined: the truth. */
  toldLatency: number | undefined;
  readonly destination = Object.assign(new FakeNode(), { maxChannelCount: 2 });
  readonly sources: FakeSource[] = [];
  readonly gains: FakeGain[] = [];
  state: 'suspended' | 'running' | 'closed' = 'suspended';
  refusesResume = false;
  /** What is decoded of a track, read where its loudness is not known. */
  samplesOf = (_trackId: string, length: number): Float32Array => new Float32Array(length);
  skewPpm = 0;
  decodable = true;
  #listeners = new Set<() => void>();
  #sec = 0;
  #localMs = 0;

  get outputLatency(): number {
    return this.toldLatency ?? this.latencySec;
  }

  set outputLatency(sec: number) {
    this.latencySec = sec;
  }

  get currentTime(): number {
    return this.#sec;
  }

  /** Deleted, the context is one that has no such method. */
  getOutputTimestamp? = (): AudioTimestamp => ({
    contextTime: Math.max(0, this.#sec - this.latencySec),
    performanceTime: this.#localMs,
  });

  advance(ms: number, localMs: number): void {
    this.#localMs = localMs;
    if (this.state === 'running') this.#sec += (ms / 1_000) * (1 + this.skewPpm * 1e-6);
    for (const source of this.sources) {
      const { duration = 0 } = source.buffer ?? {};
      const over = this.#sec > source.stopSec || this.#sec > source.startSec + duration * 1.01;
      if (!over || source.finished) continue;
      source.finished = true;
      source.onended?.();
    }
  }

  setState(state: 'suspended' | 'running'): void {
    if (this.state === state) return;
    this.state = state;
    for (const listener of [...this.#listeners]) listener();
  }

  addEventListener(_: string, listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_: string, listener: () => void): void {
    this.#listeners.delete(listener);
  }

  resume(): Promise<void> {
    if (this.refusesResume) return Promise.reject(new Error('not allowed'));
    this.setState('running');
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.state = 'closed';
    return Promise.resolve();
  }

  createGain(): FakeGain {
    const gain = new FakeGain();
    this.gains.push(gain);
    return gain;
  }

  createBufferSource(): FakeSource {
    const source = new FakeSource();
    this.sources.push(source);
    return source;
  }

  decodeAudioData(bytes: ArrayBuffer): Promise<unknown> {
    if (!this.decodable) return Promise.reject(new Error('unable to decode'));
    const { trackId, durationMs } = JSON.parse(new TextDecoder().decode(bytes)) as FakeFile;
    const duration = durationMs / 1_000;
    return Promise.resolve({
      trackId,
      duration,
      sampleRate: this.sampleRate,
      length: duration * this.sampleRate,
      numberOfChannels: 2,
      getChannelData: () => this.samplesOf(trackId, duration * this.sampleRate),
    });
  }
}

/** Keeps devices for as long as the test, and counts how often it was written. */
export function forgetfulMemory(): DeviceMemory & { readonly writes: number } {
  const devices = new Map<string, DeviceSettings>();
  let writes = 0;
  return {
    recall: (key) => devices.get(key),
    remember: (key, settings) => {
      devices.set(key, settings);
      writes += 1;
    },
    get writes() {
      return writes;
    },
  };
}

interface FakeFile {
  readonly trackId: string;
  readonly durationMs: number;
}

const timeOriginMs = 1_000_000;

export class PlayerWorld {
  nowMs = 5_000;
  readonly context = new FakeContext();
  readonly durationMs = 60_000;
  readonly ready: { entryId: string; bufferedMs: number }[] = [];
  readonly reports: SyncReport[] = [];
  readonly fetched: string[] = [];
  /** Status by which the media server answers; absent is 200. */
  readonly statusOf = new Map<string, number>();
  /** How long a track turns out to be when it is decoded. */
  decodedMsOf: (trackId: string) => number = () => this.durationMs;
  /** What the catalogue says of a track's loudness. */
  gainOf: (trackId: string) => TrackGain = () => ({ gainDb: 0 });
  urlVersion = 0;
  offsetMs = timeOriginMs;
  /** How much faster hub time runs than local time. */
  hubPpm = 0;
  playingTold: boolean | undefined;
  readonly clockStatus = new Cell<PlayerClockStatus>({
    quality: 'good',
    maxErrorMs: 0.4,
    estErrorMs: 0.1,
    rttMinMs: 0.8,
    skewPpm: 0,
    resets: 0,
  });
  readonly view: Cell<PlayerRoomView>;
  #timers: { at: number; call: () => void }[] = [];
  #wake: (() => void) | undefined;

  constructor() {
    this.view = new Cell(this.viewOf([{ state: 'stopped', positionMs: 0, at: 0 }]));
    this.room = {
      view: this.view,
      ready: (entryId, bufferedMs) => Promise.resolve(this.ready.push({ entryId, bufferedMs })),
      reportSync: (report) => Promise.resolve(this.reports.push(report)),
    };
  }

  get hubNow(): number {
    return this.nowMs * (1 + this.hubPpm * 1e-6) + this.offsetMs;
  }

  readonly platform: PlayerPlatform = {
    now: () => this.nowMs,
    after: (ms, call) => {
      const timer = { at: this.nowMs + ms, call };
      this.#timers.push(timer);
      return () => (this.#timers = this.#timers.filter((each) => each !== timer));
    },
    fetch: ((url: string) => {
      this.fetched.push(url);
      const trackId = /media\/([^?]+)/.exec(url)?.[1] ?? '';
      const status = this.statusOf.get(url) ?? this.statusOf.get(trackId) ?? 200;
      const file: FakeFile = { trackId, durationMs: this.decodedMsOf(trackId) };
      return Promise.resolve(new Response(JSON.stringify(file), { status }));
    }) as unknown as typeof fetch,
    createContext: () => this.context as unknown as AudioContext,
    pause: () => Promise.resolve(),
    onWake: (listener) => {
      this.#wake = listener;
      return () => (this.#wake = undefined);
    },
  };

  readonly client: PlayerClient = {
    clock: {
      now: () => this.hubNow,
      toLocal: (at) => (at - this.offsetMs) / (1 + this.hubPpm * 1e-6),
      setPlaying: (playing) => (this.playingTold = playing),
      status: this.clockStatus,
    },
    api: {
      track: (id) => {
        this.urlVersion += 1;
        return Promise.resolve({
          mediaUrl: `/media/${id}?v=${this.urlVersion}`,
          mediaUrlExpiresInMs: 600_000,
          ...this.gainOf(id),
        });
      },
    },
  };

  readonly room: PlayerRoom;

  viewOf(timeline: readonly Anchor[], queued: readonly string[] = []): PlayerRoomView {
    const ids = [...timeline.filter(hasTrack).map(({ entryId }) => entryId), ...queued];
    const queue = Object.fromEntries(
      [...new Set(ids)].map((id) => [
        id,
        { trackId: `t-${id}`, durationMs: this.durationMs, rank: id },
      ]),
    ) as unknown as PlayerRoomView['room']['queue'];
    return {
      room: { queue, playback: { timeline, repeat: 'off', shuffle: false } },
      epoch: 1,
      status: 'joined',
    };
  }

  anchor(
    entry: string,
    positionMs: number,
    at: number,
    state: 'playing' | 'paused' = 'playing',
  ): TrackAnchor {
    return {
      state,
      entryId: entry as EntryId,
      trackId: `t-${entry}` as TrackId,
      durationMs: this.durationMs,
      positionMs,
      at,
    };
  }

  show(timeline: readonly Anchor[], queued?: readonly string[]): void {
    this.view.set(this.viewOf(timeline, queued));
  }

  wake(): void {
    this.#wake?.();
  }

  /** Time passes in steps of a ms; `frozen`: no timer of the page runs meanwhile. */
  async pass(ms: number, frozen = false): Promise<void> {
    for (let i = 0; i < ms; i += 1) {
      this.nowMs += 1;
      this.context.advance(1, this.nowMs);
      const due = frozen ? [] : this.#timers.filter(({ at }) => at <= this.nowMs);
      if (due.length === 0) continue;
      this.#timers = this.#timers.filter((timer) => !due.includes(timer));
      for (const { call } of due) call();
      await this.settle();
    }
  }

  /** Lets everything that waits only for promises come to rest. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** What leaves the speakers now: by the sources' own account, from loudest to quietest. */
  heard(): { trackId: string; positionMs: number; level: number }[] {
    const sec = this.context.currentTime - this.context.latencySec;
    return this.context.sources
      .flatMap((source) => {
        const positionMs =
          source.connected || source.finished ? source.positionMsAt(sec) : undefined;
        let level = 1;
        for (let node = source.to; node instanceof FakeGain; node = node.to) {
          if (node.to instanceof FakeGain) level *= node.gain.valueAt(sec);
        }
        if (positionMs === undefined || level === 0) return [];
        return [{ trackId: source.buffer?.trackId ?? '', positionMs, level }];
      })
      .sort((a, b) => b.level - a.level);
  }
}
