// Owns a media element that plays silence: lock screens and headphones steer pages that play media, and Web Audio alone is none to them.
// Must not know what is played.

/** Browsers show no controls for what is shorter than five seconds. */
const SECONDS = 12;
const SAMPLE_RATE = 8_000;

/** Must be started in a press, once; from then on it follows. */
export class SilentTrack {
  readonly #element = new Audio();
  readonly #address: string;

  constructor() {
    this.#address = URL.createObjectURL(new Blob([silence()], { type: 'audio/wav' }));
    this.#element.src = this.#address;
    this.#element.loop = true;
  }

  play(): void {
    this.#element.play().catch(() => {
      // Without a press, or in a call: there are no controls then, and the music does not need them.
    });
  }

  pause(): void {
    this.#element.pause();
  }

  close(): void {
    this.#element.pause();
    this.#element.removeAttribute('src');
    URL.revokeObjectURL(this.#address);
  }
}

/** 8-bit WAV at half of its range, which is silence. */
function silence(): Uint8Array<ArrayBuffer> {
  const dataBytes = SECONDS * SAMPLE_RATE;
  const bytes = new Uint8Array(44 + dataBytes).fill(128);
  const view = new DataView(bytes.buffer);
  const write = (at: number, text: string): void => bytes.set(new TextEncoder().encode(text), at);
  write(0, 'RIFF');
  view.setUint32(4, 36 + dataBytes, true);
  write(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, SAMPLE_RATE, true);
  view.setUint32(28, SAMPLE_RATE, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  write(36, 'data');
  view.setUint32(40, dataBytes, true);
  return bytes;
}
