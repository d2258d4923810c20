// Owns clicks in time with the hub, by which two devices in one room are compared by ear; knows no room and no tracks.
import type { AudioGraph } from './audio-graph.ts';

/** Far enough apart that a device which trails by a third of a second cannot be taken for one that leads. */
const everyMs = 750;
const lengthSec = 0.012;
/** Two pitches by turns: clicks of different turns that fall together would sound wrong. */
const pitchesHz = [1_800, 1_200] as const;
const level = 0.7;
/** Placed so late that a slider which moves is heard at the next click. */
const aheadSec = 0.35;
const soonSec = 0.03;
const musicLevel = 0.08;

/** Clicks at the multiples of `everyMs` of hub time: every device that clicks does so at the same moments, in whatever room it is. */
export class HubClicks {
  readonly #graph: AudioGraph;
  #lastTurn = -Infinity;
  #sources: OscillatorNode[] = [];

  constructor(graph: AudioGraph) {
    this.#graph = graph;
    graph.setMusicLevel(musicLevel);
  }

  /**
   * To be called a few times a second.
   * @param toLocal hub time → local time at which it should be heard, ms
   */
  plan(hubNow: number, toLocal: (hubMs: number) => number | undefined): void {
    const { timeline, context } = this.#graph;
    const first = Math.ceil(hubNow / everyMs);
    for (let turn = first; turn <= first + 1; turn += 1) {
      if (turn <= this.#lastTurn) continue;
      const localMs = toLocal(turn * everyMs);
      const sec = localMs === undefined ? undefined : timeline.secHeardAt(localMs);
      if (sec === undefined || sec > context.currentTime + aheadSec) return;
      this.#lastTurn = turn;
      if (sec > context.currentTime + soonSec) this.#click(sec, turn);
    }
  }

  stop(): void {
    for (const source of this.#sources) {
      source.stop();
      source.disconnect();
    }
    this.#sources = [];
    this.#graph.setMusicLevel(1);
  }

  #click(sec: number, turn: number): void {
    const { context, output } = this.#graph;
    const source = context.createOscillator();
    const envelope = context.createGain();
    source.frequency.value = pitchesHz[Math.abs(turn) % 2] ?? pitchesHz[0];
    envelope.gain.setValueAtTime(level, sec);
    envelope.gain.exponentialRampToValueAtTime(level / 1_000, sec + lengthSec);
    source.connect(envelope).connect(output);
    source.onended = () => {
      envelope.disconnect();
      this.#sources = this.#sources.filter((each) => each !== source);
    };
    source.start(sec);
    source.stop(sec + lengthSec);
    this.#sources.push(source);
  }
}
