// Finds how much of a file's stated length is an encoder's padding, which players leave out; knows two formats, and no tags.
import { open, type FileHandle } from 'node:fs/promises';

/** So much of the beginning holds the first frame, or tells where it is. */
const HEAD_BYTES = 16 * 1024;
const MAX_MOOV_BYTES = 32 * 1024 * 1024;

/**
 * The length in ms that is played of the file at `path`, where it says so itself: an MP3 in LAME's part of its first frame, an MP4 in its
 * edit list. Encoders of both begin with silence of their own (some 25 to 50 ms) and fill up the last frame; counted in, a room would
 * wait so long in silence between two tracks. Undefined where nothing is said; rejects where the file cannot be read.
 */
export async function playedLengthMs(path: string, mimeType: string): Promise<number | undefined> {
  if (mimeType !== 'audio/mpeg' && mimeType !== 'audio/mp4') return undefined;
  const file = await open(path);
  try {
    return mimeType === 'audio/mpeg' ? await mp3LengthMs(file) : await mp4LengthMs(file);
  } finally {
    await file.close();
  }
}

async function mp3LengthMs(file: FileHandle): Promise<number | undefined> {
  let at = 0;
  let head = await bytesAt(file, at, HEAD_BYTES);
  // More than one ID3v2 tag happens. Its length has seven bits a byte.
  while (head.toString('latin1', 0, 3) === 'ID3' && head.length >= 10) {
    const [a = 0, b = 0, c = 0, d = 0] = head.subarray(6, 10);
    const footer = ((head[5] ?? 0) & 0x10) !== 0 ? 10 : 0;
    at += 10 + ((a << 21) | (b << 14) | (c << 7) | d) + footer;
    head = await bytesAt(file, at, HEAD_BYTES);
  }
  // Some taggers leave zeros behind the tag that they have shortened.
  const first = head.findIndex((byte) => byte !== 0);
  return first === -1 ? undefined : mp3FrameLengthMs(head.subarray(first));
}

/**
 * By the first frame of an MPEG-1 or 2 layer III stream, if it is an Info or Xing frame with LAME's extension, which libavformat writes too
 * (gabriel.mp3-tech.org/mp3infotag.html). Players leave out the delay and the padding together.
 */
export function mp3FrameLengthMs(frame: Buffer): number | undefined {
  if (frame.length < 4 || frame.readUInt16BE(0) >> 5 !== 0x7ff) return undefined;
  const [, versionByte = 0, rateByte = 0, modeByte = 0] = frame;
  const version = (versionByte >> 3) & 3;
  const rate = [44_100, 48_000, 32_000][(rateByte >> 2) & 3];
  const isLayer3 = ((versionByte >> 1) & 3) === 1;
  if (version === 1 || rate === undefined || !isLayer3) return undefined;
  const isVersion1 = version === 3;
  const isMono = modeByte >> 6 === 3;
  const sideBytes = isVersion1 ? (isMono ? 17 : 32) : isMono ? 9 : 17;
  const info = frame.subarray(4 + sideBytes);
  const name = info.toString('latin1', 0, 4);
  if ((name !== 'Info' && name !== 'Xing') || info.length < 156) return undefined;
  const flags = info.readUInt32BE(4);
  if ((flags & 1) === 0) return undefined;
  const frames = info.readUInt32BE(8);
  const lame = info.subarray(
    8 + 4 + (flags & 2 ? 4 : 0) + (flags & 4 ? 100 : 0) + (flags & 8 ? 4 : 0),
  );
  if (!/^(?:LAME|Lav[fc])/u.test(lame.toString('latin1', 0, 4))) return undefined;
  const padding = lame.readUIntBE(21, 3);
  const sampleRate = rate / (isVersion1 ? 1 : version === 2 ? 2 : 4);
  const samples = frames * (isVersion1 ? 1_152 : 576) - (padding >> 12) - (padding & 0xfff);
  return samples > 0 ? (samples / sampleRate) * 1_000 : undefined;
}

async function mp4LengthMs(file: FileHandle): Promise<number | undefined> {
  let at = 0;
  for (;;) {
    const head = await bytesAt(file, at, 16);
    if (head.length < 8) return undefined;
    const { type, headBytes, size } = boxHead(head, Infinity);
    if (size < headBytes) return undefined;
    if (type === 'moov') {
      if (size > MAX_MOOV_BYTES) return undefined;
      return moovLengthMs(await bytesAt(file, at + headBytes, size - headBytes));
    }
    at += size;
  }
}

/**
 * By the edit list of the sound track of a `moov` box (ISO/IEC 14496-12, 8.6.6), if it is the plain one: one edit that leaves out a
 * beginning, as every encoder of AAC writes it.
 */
export function moovLengthMs(moov: Buffer): number | undefined {
  const header = childOf(moov, 'mvhd');
  if (header === undefined) return undefined;
  const timescale = header.readUInt32BE(header[0] === 1 ? 20 : 12);
  for (const track of childrenOf(moov, 'trak')) {
    const handler = childOf(childOf(track, 'mdia'), 'hdlr');
    if (handler?.toString('latin1', 8, 12) !== 'soun') continue;
    const edits = childOf(childOf(track, 'edts'), 'elst');
    if (edits?.readUInt32BE(4) !== 1) return undefined;
    const duration = edits[0] === 1 ? Number(edits.readBigUInt64BE(8)) : edits.readUInt32BE(8);
    return timescale > 0 && duration > 0 ? (duration / timescale) * 1_000 : undefined;
  }
  return undefined;
}

function childOf(box: Buffer | undefined, type: string): Buffer | undefined {
  return box && childrenOf(box, type)[0];
}

function childrenOf(box: Buffer, type: string): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 8 <= box.length;) {
    const { type: childType, headBytes, size } = boxHead(box.subarray(at), box.length - at);
    if (size < headBytes || at + size > box.length) break;
    if (childType === type) found.push(box.subarray(at + headBytes, at + size));
    at += size;
  }
  return found;
}

/** @param rest the size of a box that goes on to the end */
function boxHead(head: Buffer, rest: number): { type: string; headBytes: number; size: number } {
  const size = head.readUInt32BE(0);
  const type = head.toString('latin1', 4, 8);
  if (size === 1 && head.length >= 16) {
    return { type, headBytes: 16, size: Number(head.readBigUInt64BE(8)) };
  }
  return { type, headBytes: 8, size: size === 0 ? rest : size };
}

async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}
