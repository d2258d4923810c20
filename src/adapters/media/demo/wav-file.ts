// Writes a RIFF WAVE file of 16-bit stereo samples with an ID3v2.3 tag in it. Knows bytes, not music.
import { endianness } from 'node:os';

export interface WavTags {
  readonly title: string;
  readonly artist: string;
  readonly album: string;
  readonly trackNumber: number;
  readonly coverPng: Uint8Array;
}

const HEADER_BYTES = 44;

/** `pcm` is interleaved stereo. The tag comes after the samples, so that playing starts with the first bytes of the file. */
export function wavFile(pcm: Int16Array, sampleRate: number, tags: WavTags): Buffer {
  const samples = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  if (endianness() === 'BE') samples.swap16();
  const tag = chunk('id3 ', id3Tag(tags));
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(HEADER_BYTES - 8 + samples.length + tag.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(2, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * 4, 28);
  header.writeUInt16LE(4, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples, tag]);
}

/** A RIFF chunk; its content is padded to an even length, which its size does not count. */
function chunk(id: string, content: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(content.length);
  return Buffer.concat([
    Buffer.from(id, 'latin1'),
    size,
    content,
    Buffer.alloc(content.length % 2),
  ]);
}

/** ID3v2.3 (id3.org/id3v2.3.0): text frames and the front cover. */
function id3Tag({ title, artist, album, trackNumber, coverPng }: WavTags): Buffer {
  const frames = Buffer.concat([
    textFrame('TIT2', title),
    textFrame('TPE1', artist),
    textFrame('TALB', album),
    textFrame('TRCK', String(trackNumber)),
    frame('APIC', Buffer.concat([Buffer.from('\0image/png\0\x03\0', 'latin1'), coverPng])),
  ]);
  const header = Buffer.from([0x49, 0x44, 0x33, 3, 0, 0, 0, 0, 0, 0]);
  // The length of a tag has seven bits a byte, so that no byte of it looks like an MPEG frame.
  for (let i = 0; i < 4; i += 1) header[6 + i] = (frames.length >> (7 * (3 - i))) & 0x7f;
  return Buffer.concat([header, frames]);
}

function textFrame(id: string, text: string): Buffer {
  return frame(id, Buffer.concat([Buffer.from([1, 0xff, 0xfe]), Buffer.from(text, 'utf16le')]));
}

function frame(id: string, content: Buffer): Buffer {
  const header = Buffer.alloc(10);
  header.write(id, 0, 'latin1');
  header.writeUInt32BE(content.length, 4);
  return Buffer.concat([header, content]);
}
