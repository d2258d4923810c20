// Owns the ear of the lab: reports when clicks begin, and where sound is missing or a tone breaks, and how loud it is, in context time; text, as a worklet is loaded by address.
import { toneHz } from './tone-track.ts';

export const onsetWorklet = `
const toneHz = ${toneHz};
class OnsetProcessor extends AudioWorkletProcessor {
  #deafUntil = 0;
  #silentSince = -1;
  #before = [0, 0];
  #brokenUntil = 0;
  #power = 0;
  #inPower = 0;

  process([input]) {
    const samples = input[0];
    for (let i = 0; i < 128; i += 1) {
      const value = Math.abs(samples?.[i] ?? 0);
      const frame = currentFrame + i;
      if (value > 0.35 && frame >= this.#deafUntil) {
        this.#deafUntil = frame + sampleRate * 0.06;
        this.port.postMessage({ kind: 'onset', sec: frame / sampleRate });
      }
      // Of a pure tone every sample follows from the two before it: what does not is a break in it.
      const [last, secondLast] = this.#before;
      const sample = samples?.[i] ?? 0;
      const size = Math.abs(sample - 2 * Math.cos((2 * Math.PI * toneHz) / sampleRate) * last + secondLast);
      this.#before = [sample, last];
      if (size > 0.002 && frame >= this.#brokenUntil) {
        this.#brokenUntil = frame + sampleRate * 0.01;
        this.port.postMessage({ kind: 'break', sec: frame / sampleRate, size });
      }
      this.#power += sample * sample;
      this.#inPower += 1;
      if (this.#inPower >= sampleRate / 20) {
        const rms = Math.sqrt(this.#power / this.#inPower);
        this.port.postMessage({ kind: 'level', sec: frame / sampleRate, size: rms });
        this.#power = 0;
        this.#inPower = 0;
      }
      if (value > 0.0015) {
        const lengthMs = ((frame - this.#silentSince) / sampleRate) * 1_000;
        if (this.#silentSince >= 0 && lengthMs > 1) {
          this.port.postMessage({ kind: 'gap', sec: this.#silentSince / sampleRate, lengthMs });
        }
        this.#silentSince = -1;
      } else if (this.#silentSince < 0) {
        this.#silentSince = frame;
      }
    }
    return true;
  }
}
registerProcessor('onset', OnsetProcessor);
`;
