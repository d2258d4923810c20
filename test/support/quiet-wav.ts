// A WAV file of near silence, made on the spot: music for tests that only need its length.

const SAMPLE_RATE = 8_000;

/** @param name goes into the samples, so that two files of one length are two tracks */
export function quietWav(seconds: number, name: string): Buffer {
  const dataBytes = seconds * SAMPLE_RATE;
  const wav = Buffer.alloc(44 + dataBytes, 128);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(36 + dataBytes, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(SAMPLE_RATE, 24);
  wav.writeUInt32LE(SAMPLE_RATE, 28);
  wav.writeUInt16LE(1, 32);
  wav.writeUInt16LE(8, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(dataBytes, 40);
  wav.write(name, 44, 'latin1');
  return wav;
}
