import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseBuffer } from 'music-metadata';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DEMO_ALBUM,
  DEMO_ARTIST,
  DEMO_TRACKS,
  DEMO_VERSION,
  renderDemoTrack,
} from '../../../src/adapters/media/demo/demo-tracks.ts';
import type { DemoTrack } from '../../../src/adapters/media/demo/demo-tracks.ts';
import { ensureDemoTracks } from '../../../src/adapters/media/demo/ensure-demo-tracks.ts';
import { KeptLog, MediaFolder } from './media-folder.ts';

const PIECES = DEMO_TRACKS.filter(({ motif }) => motif !== 'ticks');
const FRAME_BYTES = 4;
/** A second or two of a core each; many times that where others take the cores. */
const RENDER_TIMEOUT_MS = 90_000;

const rendered = new Map<DemoTrack, Buffer>();

let folder: MediaFolder;
beforeEach(async () => {
  folder = await MediaFolder.create();
});
afterEach(() => folder.remove());

interface Measure {
  readonly peak: number;
  readonly rms: number;
  readonly offset: number;
  readonly edge: number;
  readonly longestSilenceSeconds: number;
  readonly shareAbove8kHz: number;
}

/** From −1 to 1. The share above 8 kHz is what a one-pole low-pass leaves over. */
function measure(pcm: Int16Array): Measure {
  let [peak, power, sum, silent, longest] = [0, 0, 0, 0, 0];
  let [low, high] = [0, 0];
  for (let i = 0; i < pcm.length; i += 1) {
    const sample = pcm[i]! / 32_768;
    peak = Math.max(peak, Math.abs(sample));
    power += sample * sample;
    sum += sample;
    silent = Math.abs(sample) < 0.002 ? silent + 1 : 0;
    longest = Math.max(longest, silent);
    if (i % 2 === 0) {
      low += 0.68 * (sample - low); // One pole at about 8 kHz.
      high += (sample - low) ** 2;
    }
  }
  return {
    peak,
    rms: Math.sqrt(power / pcm.length),
    offset: Math.abs(sum / pcm.length),
    edge: Math.max(...[...pcm.subarray(0, 8), ...pcm.subarray(-8)].map(Math.abs)) / 32_768,
    longestSilenceSeconds: longest / 2 / 44_100,
    shareAbove8kHz: (2 * high) / power,
  };
}

describe('the six pieces', () => {
  it('are six, of different names and covers', () => {
    expect(PIECES).toHaveLength(6);
    expect(new Set(PIECES.map(({ title }) => title)).size).toBe(6);
    expect(new Set(PIECES.map(({ motif }) => motif)).size).toBe(6);
  });

  it.each(PIECES.map((track): [string, DemoTrack] => [track.title, track]))(
    '%s: 45 to 75 s, alike in loudness, unclipped, without an offset, starting and ending in quiet',
    async (_, track) => {
      const file = renderDemoTrack(track);
      rendered.set(track, file);
      const { common, format } = await parseBuffer(file, { mimeType: 'audio/wav' });
      expect(format).toMatchObject({ sampleRate: 44_100, numberOfChannels: 2, bitsPerSample: 16 });
      expect(common).toMatchObject({ title: track.title, artist: DEMO_ARTIST, album: DEMO_ALBUM });
      expect(common.picture?.[0]?.format).toBe('image/png');
      expect(format.duration).toBeGreaterThanOrEqual(45);
      expect(format.duration).toBeLessThanOrEqual(75);
      const bytes = (format.numberOfSamples ?? 0) * FRAME_BYTES;
      const measured = measure(
        new Int16Array(new Uint8Array(file.subarray(44, 44 + bytes)).buffer),
      );
      expect(measured.peak).toBeLessThan(0.9);
      expect(measured.rms).toBeCloseTo(0.1, 2);
      expect(measured.offset).toBeLessThan(0.0005);
      expect(measured.edge).toBeLessThan(0.002);
      expect(measured.longestSilenceSeconds).toBeLessThan(2.5);
      expect(measured.shareAbove8kHz).toBeLessThan(0.25);
    },
    RENDER_TIMEOUT_MS,
  );

  it('are the same recordings each time', { timeout: RENDER_TIMEOUT_MS }, () => {
    const comet = DEMO_TRACKS.find(({ motif }) => motif === 'comet')!;
    const before = rendered.get(comet) ?? renderDemoTrack(comet);
    expect(renderDemoTrack(comet).equals(before)).toBe(true);
  });
});

describe('making them', () => {
  const log = new KeptLog();
  const names = DEMO_TRACKS.map(({ fileName }) => fileName);

  /** A folder in which all but `missing` are there already, as far as anybody can tell. */
  async function mostlyMade(missing: string): Promise<void> {
    await writeFile(folder.at('.demo-version'), String(DEMO_VERSION));
    for (const name of names) if (name !== missing) await writeFile(folder.at(name), 'made before');
  }

  it('makes what is missing, whole, and leaves alone what is there', async () => {
    const metronome = '07 Metronome.wav';
    await mostlyMade(metronome);
    await ensureDemoTracks({ dir: folder.path, log });
    const made = await readFile(folder.at(metronome));
    expect(made.readUInt32LE(4)).toBe(made.length - 8);
    expect(await readFile(folder.at(names[0]!), 'utf8')).toBe('made before');
    expect((await readdir(folder.path)).sort()).toEqual(['.demo-version', ...names].sort());
    const { mtimeMs } = await stat(folder.at(metronome));
    await ensureDemoTracks({ dir: folder.path, log });
    expect((await stat(folder.at(metronome))).mtimeMs).toBe(mtimeMs);
  });

  it('rejects where the folder cannot be written', async () => {
    await writeFile(folder.at('file'), '');
    await expect(ensureDemoTracks({ dir: folder.at('file/demo'), log })).rejects.toThrow();
  });

  const built = fileURLToPath(
    new URL('../../../dist/src/adapters/media/demo/ensure-demo-tracks.js', import.meta.url),
  );
  it.skipIf(!existsSync(built))(
    'runs in a worker thread when built (skipped where dist is not)',
    async () => {
      await mkdir(folder.at('demo'));
      const missing = '07 Metronome.wav';
      await mostlyMade(missing);
      const script = `
        import { ensureDemoTracks } from ${JSON.stringify(built)};
        const log = { debug() {}, info() {}, warn() {}, error() {}, child() { return log; } };
        let turns = 0;
        const timer = setInterval(() => { turns += 1; }, 1);
        await ensureDemoTracks({ dir: ${JSON.stringify(folder.path)}, log });
        clearInterval(timer);
        console.log(turns);`;
      const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        encoding: 'utf8',
      });
      expect(run.stderr).toBe('');
      // The thread that asked went on turning meanwhile.
      expect(Number(run.stdout)).toBeGreaterThan(5);
      expect((await stat(folder.at(missing))).size).toBeGreaterThan(10_000_000);
    },
  );
});
