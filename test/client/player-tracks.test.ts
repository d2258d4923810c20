import { describe, expect, it } from 'vitest';
import type { TrackId } from '../../protocol/ids.ts';
import type { AudioOutput, Stretch, WantedTrack } from '../../src/client/audio-output.ts';
import { DecodedTracks } from '../../src/client/audio-tracks.ts';
import { OutputChoice } from '../../src/client/output-choice.ts';

const sampleRate = 1_000;
const bytesPerMs = 8;

function track(id: string, durationMs = 1_000): WantedTrack {
  return { trackId: id as TrackId, durationMs, positionMs: 0 };
}

/** Files come when the test says so. */
class Files {
  readonly asked: string[] = [];
  readonly aborted: string[] = [];
  #open = new Map<string, { resolve: (bytes: ArrayBuffer) => void; reject: (e: Error) => void }>();
  readonly tracks: DecodedTracks;

  constructor(maxMs: number) {
    this.tracks = new DecodedTracks({
      load: (trackId, signal) => {
        this.asked.push(trackId);
        signal.addEventListener('abort', () => this.aborted.push(trackId));
        return new Promise((resolve, reject) => this.#open.set(trackId, { resolve, reject }));
      },
      decode: ({ byteLength }) =>
        Promise.resolve({ length: byteLength, numberOfChannels: 2 } as AudioBuffer),
      sampleRate,
      maxBytes: maxMs * bytesPerMs,
      onChange: () => undefined,
    });
  }

  async come(id: string, durationMs = 1_000): Promise<void> {
    this.#open.get(id)?.resolve(new ArrayBuffer(durationMs));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  async fail(id: string): Promise<void> {
    this.#open.get(id)?.reject(new Error('gone'));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  held(): string[] {
    return ['a', 'b', 'c', 'd'].filter((id) => this.tracks.get(id as TrackId) !== undefined);
  }
}

describe('DecodedTracks', () => {
  it('loads one at a time, in order of need', async () => {
    const files = new Files(10_000);
    files.tracks.want([track('a'), track('b')]);
    expect(files.asked).toEqual(['a']);
    await files.come('a');
    expect(files.asked).toEqual(['a', 'b']);
  });

  it('leaves a load that is no longer the most needed', () => {
    const files = new Files(10_000);
    files.tracks.want([track('a'), track('b')]);
    files.tracks.want([track('c'), track('a')]);
    expect(files.aborted).toEqual(['a']);
    expect(files.asked).toEqual(['a', 'c']);
  });

  it('holds what it can, and forgets the least recent that nothing needs', async () => {
    const files = new Files(3_000);
    files.tracks.want([track('a'), track('b'), track('c'), track('d')]);
    for (const id of ['a', 'b', 'c']) await files.come(id);
    expect(files.held()).toEqual(['a', 'b', 'c']);
    expect(files.asked).not.toContain('d');
    files.tracks.want([track('c'), track('d')]);
    await files.come('d');
    expect(files.held()).toHaveLength(3);
    expect(files.held()).toEqual(expect.arrayContaining(['c', 'd']));
    expect(files.tracks.heldBytes).toBeLessThanOrEqual(3_000 * bytesPerMs);
  });

  it('has the file of a track that has no room yet, and only decodes it when it has', async () => {
    const files = new Files(2_000);
    files.tracks.want([track('a'), track('b'), track('c'), track('d')]);
    for (const id of ['a', 'b', 'c']) await files.come(id);
    expect(files.held()).toEqual(['a', 'b']);
    expect(files.asked).toEqual(['a', 'b', 'c']);
    files.tracks.want([track('b'), track('c')]);
    await files.settle();
    expect(files.held()).toEqual(['b', 'c']);
    expect(files.asked).toEqual(['a', 'b', 'c']);
    expect(files.tracks.heldBytes).toBeLessThanOrEqual(2_000 * bytesPerMs);
  });

  it('forgets a file that is no longer near', async () => {
    const files = new Files(1_000);
    files.tracks.want([track('a'), track('b')]);
    for (const id of ['a', 'b']) await files.come(id);
    files.tracks.want([track('a')]);
    files.tracks.want([track('a'), track('b')]);
    expect(files.asked).toEqual(['a', 'b', 'b']);
  });

  it('does not decode what would leave no room for a second one', () => {
    const files = new Files(3_000);
    expect(files.tracks.fits(1_500)).toBe(true);
    expect(files.tracks.fits(1_501)).toBe(false);
  });

  it('tells a failure, goes on, and tries again once it was not wanted meanwhile', async () => {
    const files = new Files(10_000);
    files.tracks.want([track('a'), track('b')]);
    await files.fail('a');
    expect(files.tracks.failure('a' as TrackId)).toBe('gone');
    expect(files.asked).toEqual(['a', 'b']);
    files.tracks.want([track('b')]);
    files.tracks.want([track('a')]);
    expect(files.tracks.failure('a' as TrackId)).toBeUndefined();
    expect(files.asked.at(-1)).toBe('a');
  });
});

/** Remembers what it was told. */
class FakeOutput implements AudioOutput {
  readonly latencyMs = 0;
  readonly kind: 'webaudio' | 'element';
  prepared: string[] = [];
  followed: string[] = [];
  readonly failures = new Map<string, string>();

  constructor(kind: 'webaudio' | 'element') {
    this.kind = kind;
  }

  prepare(tracks: readonly WantedTrack[]): void {
    this.prepared = tracks.map(({ trackId }) => trackId);
  }

  buffered({ trackId }: WantedTrack) {
    const failure = this.failures.get(trackId);
    return { bufferedMs: 0, ready: false, ...(failure !== undefined && { failure }) };
  }

  follow(stretches: readonly Stretch[]): void {
    this.followed = stretches.map(({ trackId }) => trackId);
  }

  measure(): undefined {
    return undefined;
  }

  correct(): void {
    // nothing sounds
  }

  close(): void {
    // nothing is held
  }
}

describe('OutputChoice', () => {
  const stretchOf = (id: string, durationMs: number): Stretch =>
    ({ ...track(id, durationMs), startMs: 0, endMs: durationMs }) as unknown as Stretch;

  it('leaves to the element what is too long to decode', () => {
    const [precise, fallback] = [new FakeOutput('webaudio'), new FakeOutput('element')];
    const choice = new OutputChoice({ precise, fallback, fits: (ms) => ms <= 5_000 });
    choice.prepare([track('long', 6_000), track('short')]);
    choice.follow([stretchOf('long', 6_000), stretchOf('short', 1_000)], 0);
    expect(fallback.prepared).toEqual(['long']);
    expect(precise.prepared).toEqual(['short']);
    expect(fallback.followed).toEqual(['long']);
    expect(choice.kind).toBe('element');
  });

  it('and what failed to decode, for as long as it is wanted', () => {
    const [precise, fallback] = [new FakeOutput('webaudio'), new FakeOutput('element')];
    const choice = new OutputChoice({ precise, fallback, fits: () => true });
    precise.failures.set('odd', 'unable to decode');
    choice.prepare([track('odd')]);
    precise.failures.clear();
    choice.prepare([track('odd')]);
    expect(fallback.prepared).toEqual(['odd']);
    choice.prepare([]);
    choice.prepare([track('odd')]);
    expect(precise.prepared).toEqual(['odd']);
  });
});
