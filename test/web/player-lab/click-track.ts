// Owns the sound that the lab measures by: clicks over a quiet tone, as a WAV file; shared by the page and its server.

export const clickTrackMs = 10_000;
const sampleRate = 44_100;

/** Where the clicks are. Their distances differ, so a shift by whole clicks does not look right. */
export function clickPositionsMs(): number[] {
  const positions: number[] = [];
  for (let k = 0; ; k += 1) {
    const atMs = 200 + k * 250 + (k % 7) * 11;
    if (atMs > clickTrackMs - 50) return positions;
    positions.push(atMs);
  }
}

/** A mono WAV. The tone never rests, so that every run of zeros is a gap. */
export function clickTrackWav(): Buffer {
  const samples = Math.round((clickTrackMs / 1_000) * sampleRate);
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(sampleRate, 24);
  wav.writeUInt32LE(sampleRate * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; i += 1) {
    const tone = 0.05 * Math.cos((2 * Math.PI * 500 * i) / sampleRate);
    wav.writeInt16LE(Math.round(tone * 32_767), 44 + i * 2);
  }
  for (const atMs of clickPositionsMs()) {
    const first = Math.round((atMs / 1_000) * sampleRate);
    for (let i = 0; i < 60; i += 1) {
      const click = 0.9 * Math.exp(-i / 20) * (i % 4 < 2 ? 1 : -1);
      wav.writeInt16LE(Math.round(click * 32_767), 44 + (first + i) * 2);
    }
  }
  return wav;
}
