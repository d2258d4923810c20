// A throw-away folder of music for tests: fixtures put where the test wants them, and a log that keeps its lines.
import { copyFile, mkdir, mkdtemp, realpath, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log, LogFields } from '../../../src/ports/log.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures/media/', import.meta.url));
/** Long enough ago that no file counts as one that is being written. */
const LONG_AGO = new Date('2020-01-02T03:04:05Z');

const NOBODY = 65_534;

export type Fixture = 'tone.mp3' | 'tone.flac' | 'tone.ogg' | 'tone.opus' | 'tone.m4a' | 'tone.wav';

export class MediaFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<MediaFolder> {
    return new MediaFolder(await realpath(await mkdtemp(join(tmpdir(), 'earshot-media-'))));
  }

  at(name: string): string {
    return join(this.path, name);
  }

  async put(fixture: Fixture, name: string, modified = LONG_AGO): Promise<string> {
    await mkdir(dirname(this.at(name)), { recursive: true });
    await copyFile(join(FIXTURES, fixture), this.at(name));
    await utimes(this.at(name), modified, modified);
    return this.at(name);
  }

  async write(name: string, content: string | Uint8Array, modified = LONG_AGO): Promise<string> {
    await mkdir(dirname(this.at(name)), { recursive: true });
    await writeFile(this.at(name), content);
    await utimes(this.at(name), modified, modified);
    return this.at(name);
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Runs `work` as somebody whom permissions bind: root may read everything. */
export async function unprivileged<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: LogFields;
  readonly message: string;
}

export class KeptLog implements Log {
  readonly lines: LogLine[] = [];

  debug(fields: LogFields, message: string): void {
    this.lines.push({ level: 'debug', fields, message });
  }
  info(fields: LogFields, message: string): void {
    this.lines.push({ level: 'info', fields, message });
  }
  warn(fields: LogFields, message: string): void {
    this.lines.push({ level: 'warn', fields, message });
  }
  error(fields: LogFields, message: string): void {
    this.lines.push({ level: 'error', fields, message });
  }
  child(): Log {
    return this;
  }

  warnings(): readonly LogLine[] {
    return this.lines.filter(({ level }) => level === 'warn');
  }
}

/** A stereo 16-bit WAV header for `dataBytes` of samples at 44.1 kHz. */
export function wavHeader(dataBytes: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(2, 22);
  header.writeUInt32LE(44_100, 24);
  header.writeUInt32LE(176_400, 28);
  header.writeUInt16LE(4, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}

/** A short WAV of its own content: each `seed` is another track. */
export function tinyWav(seed: number): Buffer {
  const samples = Buffer.alloc(4_000);
  for (let i = 0; i < samples.length; i += 2)
    samples.writeInt16LE(((i * (seed + 3)) % 4_001) - 2_000, i);
  return Buffer.concat([wavHeader(samples.length), samples]);
}

export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
