// Owns the audio context, the volume, and that it runs or what holds it back; knows no tracks and no room.
import { AudioTimeline } from './audio-timeline.ts';
import type { DeviceSigns } from './output-devices.ts';

/** Volume changes are spread over this time constant, or they would crackle. */
const volumeSec = 0.015;
/** A context comes back within this by itself, or it waits for a press. */
const pressAfterMs = 1_500;
/** So many readings in a row of one context time: it says that it runs, and stands. */
const stalledReadings = 6;

/** What keeps sound away: `system` another app or a call, which ends by itself; `press` the browser, which wants one. */
export type SoundHold = 'system' | 'press';

/** One context for the life of a player: everything that is heard goes through `output`. */
export class AudioGraph {
  readonly context: AudioContext;
  readonly timeline: AudioTimeline;
  /** The last node before the destination. */
  readonly output: GainNode;
  /** What plays goes in here, and is lower while something else has to be heard. */
  readonly music: GainNode;
  readonly #onChange: () => void;
  #wanted = false;
  #ran = false;
  #returned = false;
  #heldSinceMs: number | undefined;
  #lastSec = -1;
  #standing = 0;

  constructor(context: AudioContext, onChange: () => void) {
    this.context = context;
    this.timeline = new AudioTimeline(context);
    this.output = context.createGain();
    this.output.connect(context.destination);
    this.music = context.createGain();
    this.music.connect(this.output);
    this.#onChange = onChange;
    context.addEventListener('statechange', this.#onState);
  }

  get running(): boolean {
    return this.context.state === 'running';
  }

  /** Asks for sound. In a press this unlocks it; later it brings it back after a call or another app. */
  async resume(): Promise<void> {
    this.#wanted = true;
    if (this.running || this.context.state === 'closed') return;
    await this.context.resume();
  }

  /** Reads the clocks. `moved`: sounds are no longer where they were thought to be. */
  sample(nowMs: number): 'ok' | 'moved' {
    if (!this.running) {
      if (!this.#wanted) return 'ok';
      this.#heldSinceMs ??= nowMs;
      this.#tryResume();
      return 'ok';
    }
    this.#heldSinceMs = undefined;
    this.#noticeStanding();
    const sampled = this.timeline.sample(nowMs);
    const moved = this.#returned || sampled === 'moved';
    this.#returned = false;
    return moved ? 'moved' : 'ok';
  }

  /** What keeps wanted sound away, as far as can be told. */
  heldBy(nowMs: number): SoundHold | undefined {
    if (!this.#wanted || this.running) return undefined;
    // Safari's word; TypeScript's library does not know it everywhere yet.
    if ((this.context.state as string) === 'interrupted') return 'system';
    const heldMs = nowMs - (this.#heldSinceMs ?? nowMs);
    return heldMs >= pressAfterMs ? 'press' : 'system';
  }

  /** @param label of the default output, where the browser tells it */
  signs(label: string | undefined): DeviceSigns {
    const { sinkId } = this.context as AudioContext & { readonly sinkId?: unknown };
    return {
      sinkId: typeof sinkId === 'string' ? sinkId : '',
      label,
      channels: this.context.destination.maxChannelCount,
      latencyMs: this.running ? this.timeline.toldLatencyMs : undefined,
    };
  }

  setVolume(volume: number): void {
    this.output.gain.setTargetAtTime(volume, this.context.currentTime, volumeSec);
  }

  /** @param level of the music, 0 to 1 */
  setMusicLevel(level: number): void {
    this.music.gain.setTargetAtTime(level, this.context.currentTime, volumeSec);
  }

  close(): void {
    this.context.removeEventListener('statechange', this.#onState);
    this.music.disconnect();
    this.output.disconnect();
    if (this.context.state !== 'closed') void this.context.close();
  }

  #tryResume(): void {
    this.context.resume().catch(() => {
      // Refused while interrupted, or without a press: the next reading asks again.
    });
  }

  /** After some calls, and when some devices vanish, a context says that it runs and does not: starting it anew brings it back. */
  #noticeStanding(): void {
    const { currentTime } = this.context;
    this.#standing = currentTime === this.#lastSec ? this.#standing + 1 : 0;
    this.#lastSec = currentTime;
    if (this.#standing < stalledReadings) return;
    this.#standing = 0;
    this.context.suspend().catch(() => {
      // Interrupted meanwhile: then its state says so, and it is resumed from there.
    });
  }

  readonly #onState = (): void => {
    if (this.running !== this.#ran) {
      this.#ran = this.running;
      this.timeline.reset();
      // While it stood still the room went on.
      this.#returned = this.running;
    }
    this.#onChange();
  };
}
