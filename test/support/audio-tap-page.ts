// Owns the half of the audio tap that runs inside a page: hears all that goes to a context's destination, and reads the clocks. Runs alone: no imports but types.

/** A short sound after silence, as it was rendered. */
export interface HeardBurst {
  /** Which of the page's contexts. */
  readonly context: number;
  /** Context frame of the first sample. */
  readonly frame: number;
  readonly sampleRate: number;
  readonly samples: readonly number[];
}

/** One reading of both clocks: this context time leaves the device at this time of the machine. */
export interface ClockStamp {
  readonly context: number;
  readonly sec: number;
  readonly atMs: number;
}

export type TapReport = { readonly burst: HeardBurst } | { readonly stamps: readonly ClockStamp[] };

/** Text, as a worklet is loaded by address. It reports the first 17 ms or so of every sound that follows 20 ms of silence. */
export const tapWorklet = `
class TapProcessor extends AudioWorkletProcessor {
  #quietFrames = 1e9;
  #burst;

  process([input]) {
    const samples = input[0] ?? new Float32Array(128);
    let peak = 0;
    for (let i = 0; i < samples.length; i += 1) peak = Math.max(peak, Math.abs(samples[i]));
    if (this.#burst === undefined && peak > 0.01 && this.#quietFrames > sampleRate * 0.02) {
      this.#burst = { frame: currentFrame, samples: [] };
    }
    this.#quietFrames = peak > 0.01 ? 0 : this.#quietFrames + samples.length;
    if (this.#burst !== undefined) {
      this.#burst.samples.push(...samples);
      if (this.#burst.samples.length >= 768) {
        this.port.postMessage({ ...this.#burst, sampleRate });
        this.#burst = undefined;
      }
    }
    return true;
  }
}
registerProcessor('earshot-test-tap', TapProcessor);
`;

/** To be run before the page's own scripts. Reports through the binding \`earshotTestTap\`. */
export function tapPage(worklet: string): void {
  const report = (it: TapReport): void =>
    (globalThis as unknown as { earshotTestTap: (it: TapReport) => void }).earshotTestTap(it);

  /** Wall time less \`performance.now()\`, from the moments at which the wall clock's millisecond turns: \`timeOrigin\` is one reading, late by whatever came between. */
  const measureOrigin = (): number => {
    const origins: number[] = [];
    let before = Date.now();
    while (origins.length < 15) {
      const now = Date.now();
      if (now > before) origins.push(now - performance.now());
      before = now;
    }
    origins.sort((a, b) => a - b);
    return origins[7] ?? performance.timeOrigin;
  };
  const originMs = measureOrigin();

  const contexts: AudioContext[] = [];
  const tap = async (context: AudioContext, source: AudioNode): Promise<void> => {
    const id = contexts.push(context) - 1;
    const url = URL.createObjectURL(new Blob([worklet], { type: 'text/javascript' }));
    await context.audioWorklet.addModule(url);
    const node = new AudioWorkletNode(context, 'earshot-test-tap', { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }: MessageEvent<Omit<HeardBurst, 'context'>>) =>
      report({ burst: { ...data, context: id } });
    // A second way from the same node: the way to the destination is not touched.
    source.connect(node);
    let stamps: ClockStamp[] = [];
    setInterval(() => {
      const stamp = context.getOutputTimestamp();
      const now = performance.now();
      const told = (stamp.contextTime ?? 0) > 0 && (stamp.performanceTime ?? 0) > 0;
      const sec = told ? (stamp.contextTime ?? 0) : context.currentTime;
      if (context.state === 'running' && sec > 0) {
        stamps.push({
          context: id,
          sec,
          atMs: originMs + (told ? (stamp.performanceTime ?? 0) : now),
        });
      }
      if (stamps.length < 10) return;
      report({ stamps });
      stamps = [];
    }, 50);
  };

  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on each node below
  const connect = AudioNode.prototype.connect as (this: AudioNode, ...to: unknown[]) => unknown;
  AudioNode.prototype.connect = function (this: AudioNode, ...to: unknown[]) {
    const result = connect.apply(this, to);
    const [target] = to;
    if (target instanceof AudioDestinationNode && target.context instanceof AudioContext) {
      void tap(target.context, this);
    }
    return result;
  } as typeof AudioNode.prototype.connect;
}
