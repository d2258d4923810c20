// What media elements hold ahead of time; how they sound is for the lab.
import { describe, expect, it } from 'vitest';
import type { TrackId } from '../../protocol/ids.ts';
import type { WantedTrack } from '../../src/client/audio-output.ts';
import { ElementOutput } from '../../src/client/output-element.ts';

/** As much of a media element as an output touches; all of a track is there at once. */
class ReadyElement extends EventTarget {
  src = '';
  volume = 1;
  paused = true;
  seeking = false;
  ended = false;
  readyState = 0;
  currentTime = 0;
  playbackRate = 1;
  readonly buffered = { length: 1, start: () => 0, end: () => 60 };

  load(): void {
    this.readyState = this.src === '' ? 0 : 4;
  }
  play(): Promise<void> {
    this.paused = false;
    return Promise.resolve();
  }
  pause(): void {
    this.paused = true;
  }
  hasAttribute(): boolean {
    return this.src !== '';
  }
  removeAttribute(): void {
    this.src = '';
  }
}

const track = (id: string): WantedTrack => ({
  trackId: id as TrackId,
  durationMs: 60_000,
  positionMs: 0,
});

function outputOf(levelOf: (trackId: TrackId) => number = () => 1) {
  const elements: ReadyElement[] = [];
  const output = new ElementOutput({
    createElement: () => {
      const element = new ReadyElement();
      elements.push(element);
      return element as unknown as HTMLAudioElement;
    },
    url: (trackId) => Promise.resolve(`/media/${trackId}`),
    levelOf,
    after: () => () => undefined,
    now: () => 0,
    onChange: () => undefined,
  });
  return { output, elements };
}

async function prepared(output: ElementOutput, ids: readonly string[]): Promise<void> {
  output.prepare(ids.map(track));
  await new Promise<void>((resolve) => setImmediate(resolve));
}

describe('ElementOutput', () => {
  it('holds the track that is next and the two after it, and says that they are ready', async () => {
    const { output, elements } = outputOf();
    await prepared(output, ['a', 'b', 'c', 'd']);
    expect(elements.map(({ src }) => src)).toEqual(['/media/a', '/media/b', '/media/c']);
    const ready = ['a', 'b', 'c', 'd'].map((id) => output.buffered(track(id)).ready);
    expect(ready).toEqual([true, true, true, false]);
  });

  it('gives the deck of a track that is over to the one that is new, and leaves the others', async () => {
    const { output, elements } = outputOf();
    await prepared(output, ['a', 'b', 'c']);
    await prepared(output, ['b', 'c', 'd']);
    expect(elements.map(({ src }) => src)).toEqual(['/media/d', '/media/b', '/media/c']);
  });

  it('without a context, makes a track quieter by its own level, and never louder than it is', async () => {
    const { output, elements } = outputOf((trackId) => (trackId === 'a' ? 0.5 : 1.6));
    output.setVolume(0.8);
    await prepared(output, ['a', 'b']);
    expect(elements.map(({ volume }) => volume)).toEqual([0.4, 1]);
  });
});
