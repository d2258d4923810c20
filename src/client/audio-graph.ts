// Owns the audio context, the volume and whether it runs; knows no tracks and no room.
import { AudioTimeline } from './audio-timeline.ts';

/** Volume changes are spread over this time constant, or they would crackle. */
const volumeSec = 0.015;

/** One context for the life of a player: everything that is heard goes through `output`. */
export class AudioGraph {
  readonly context: AudioContext;
  readonly timeline: AudioTimeline;
  /** The last node before the destination. */
  readonly output: GainNode;
  readonly #onChange: () => void;
  #wanted = false;
  #ran = false;
  #returned = false;

  constructor(context: AudioContext, onChange: () => void) {
    this.context = context;
    this.timeline = new AudioTimeline(context);
    this.output = context.createGain();
    this.output.connect(context.destination);
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
      if (this.#wanted) this.#tryResume();
      return 'ok';
    }
    const sampled = this.timeline.sample(nowMs);
    const moved = this.#returned || sampled === 'moved';
    this.#returned = false;
    return moved ? 'moved' : 'ok';
  }

  setVolume(volume: number): void {
    this.output.gain.setTargetAtTime(volume, this.context.currentTime, volumeSec);
  }

  close(): void {
    this.context.removeEventListener('statechange', this.#onState);
    this.output.disconnect();
    if (this.context.state !== 'closed') void this.context.close();
  }

  #tryResume(): void {
    this.context.resume().catch(() => {
      // Refused while interrupted, or without a press: the next reading asks again.
    });
  }

  readonly #onState = (): void => {
    if (this.running === this.#ran) return;
    this.#ran = this.running;
    this.timeline.reset();
    // While it stood still the room went on.
    this.#returned = this.running;
    this.#onChange();
  };
}
