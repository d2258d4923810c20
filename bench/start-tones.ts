// The music of the start bench: tracks whose every sample tells which of two tones it belongs to, so that the first sound of a place is known when it is heard.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

export type Tone = 'low' | 'high';

export const TONE_TRACK = {
  seconds: 32,
  /** From here on it is the other tone. */
  turnsAtSeconds: 16,
  hz: { low: 400, high: 2_400 },
} as const;

const SAMPLE_RATE = 8_000;
const LEVEL = 0.4;

export function toneTitle(n: number): string {
  return `Tone ${String(n).padStart(2, '0')}`;
}

/** What track `n` begins with; it ends with the other. */
export function firstTone(n: number): Tone {
  return n % 2 === 0 ? 'low' : 'high';
}

export async function writeToneTracks(dir: string, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await writeFile(path.join(dir, `${toneTitle(n)}.wav`), toneTrack(n));
  }
}

function toneTrack(n: number): Buffer {
  const frames = TONE_TRACK.seconds * SAMPLE_RATE;
  const wav = Buffer.alloc(44 + frames * 2);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(36 + frames * 2, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(SAMPLE_RATE, 24);
  wav.writeUInt32LE(SAMPLE_RATE * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(frames * 2, 40);
  const [before, after] =
    firstTone(n) === 'low'
      ? [TONE_TRACK.hz.low, TONE_TRACK.hz.high]
      : [TONE_TRACK.hz.high, TONE_TRACK.hz.low];
  for (let frame = 0; frame < frames; frame += 1) {
    const hz = frame < TONE_TRACK.turnsAtSeconds * SAMPLE_RATE ? before : after;
    // A phase of its own makes each file another track.
    const phase = (2 * Math.PI * hz * frame) / SAMPLE_RATE + n / 100;
    wav.writeInt16LE(Math.round(LEVEL * 32_767 * Math.sin(phase)), 44 + frame * 2);
  }
  return wav;
}
