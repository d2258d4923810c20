// Owns the ear of the lab: reports when clicks begin and where sound is missing, in context time; text, as a worklet is loaded by address.

export const onsetWorklet = `
class OnsetProcessor extends AudioWorkletProcessor {
  #deafUntil = 0;
  #silentSince = -1;

  process([input]) {
    const samples = input[0];
    for (let i = 0; i < 128; i += 1) {
      const value = Math.abs(samples?.[i] ?? 0);
      const frame = currentFrame + i;
      if (value > 0.35 && frame >= this.#deafUntil) {
        this.#deafUntil = frame + sampleRate * 0.06;
        this.port.postMessage({ kind: 'onset', sec: frame / sampleRate });
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
