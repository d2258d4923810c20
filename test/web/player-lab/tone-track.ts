// Owns the sound that joins are heard by: one recording of a tone, cut in two where no whole millisecond is; shared by the page and its server.

export const toneHz = 441;
const size = 8_000;
/** What is cut from the recording, in frames of 44.1 kHz, as the files of test/fixtures/sound were. */
const cutAt = 132_317;
const endAt = cutAt + 132_329;

/** The lengths that a catalogue tells. */
export const tonePartsMs = { one: 3_000, two: 3_001 } as const;
export type TonePart = keyof typeof tonePartsMs;

/** A mono WAV of one part, at any rate. */
export function tonePartWav(part: TonePart, sampleRate: number): Buffer {
  const frameOf = (frame: number): number => Math.round((frame / 44_100) * sampleRate);
  const [from, until] = part === 'one' ? [0, frameOf(cutAt)] : [frameOf(cutAt), frameOf(endAt)];
  const wav = Buffer.alloc(44 + (until - from) * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(sampleRate, 24);
  wav.writeUInt32LE(sampleRate * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE((until - from) * 2, 40);
  for (let frame = from; frame < until; frame += 1) {
    const sample = size * Math.cos((2 * Math.PI * toneHz * frame) / sampleRate);
    wav.writeInt16LE(Math.round(sample), 44 + (frame - from) * 2);
  }
  return wav;
}
