// What media elements hold ahead of time; how they sound is for the lab.
import { describe, expect, it } from 'vitest';
import type { EntryId, TrackId } from '../../protocol/ids.ts';
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

const idle = (): void => undefined;

const track = (id: string): WantedTrack => ({
  trackId: id as TrackId,
  durationMs: 60_000,
  positionMs: 0,
});

type Graph = NonNullable<ConstructorParameters<typeof ElementOutput>[0]['graph']>;

function outputOf(levelOf: (trackId: TrackId) => number = () => 1, graph?: Graph) {
  const elements: ReadyElement[] = [];
  const timers: (() => void)[] = [];
  /** Whatever was to be called later is called now. */
  const pass = (): void => {
    for (const call of timers.splice(0)) call();
  };
  const output = new ElementOutput({
    createElement: () => {
      const element = new ReadyElement();
      elements.push(element);
      return element as unknown as HTMLAudioElement;
    },
    url: (trackId) => Promise.resolve(`/media/${trackId}`),
    levelOf,
    graph,
    after: (_, call) => {
      timers.push(call);
      return () => void timers.splice(timers.indexOf(call), timers.includes(call) ? 1 : 0);
    },
    now: () => 0,
    onChange: () => undefined,
  });
  return { output, elements, pass };
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

  it('tells what is heard by the context that it feeds, which moves on by whole buffers as it does', async () => {
    const latencyMs = 70;
    const level = { value: 1, setValueAtTime: idle, linearRampToValueAtTime: idle };
    const node = { gain: { ...level, cancelScheduledValues: idle }, connect: (to: unknown) => to };
    const context = {
      currentTime: 0,
      createGain: () => node,
      createMediaElementSource: () => node,
    };
    const graph = {
      context,
      destination: node,
      timeline: {
        latencyMs,
        aheadMs: latencyMs,
        heardAtMs: (sec: number) => sec * 1_000 + latencyMs,
        secHeardAt: (ms: number) => (ms - latencyMs) / 1_000,
      },
    } as unknown as Graph;
    const { output, elements } = outputOf(() => 1, graph);
    await prepared(output, ['a']);
    const [element] = elements;
    if (element === undefined) throw new Error('no element');
    element.dispatchEvent(new Event('loadedmetadata'));
    const entryId = 'e' as EntryId;
    const stretch = { ...track('a'), id: 's', entryId, startMs: 0, endMs: 60_000, joins: false };
    output.follow([stretch], 0);
    const errors: number[] = [];
    for (let nowMs = 1_003; nowMs < 6_000; nowMs += 250) {
      const renderedMs = Math.floor(nowMs / 20) * 20;
      context.currentTime = renderedMs / 1_000;
      // What was rendered last is 3 ms further than it ought to be.
      element.currentTime = (renderedMs + latencyMs + 3) / 1_000;
      errors.push(output.measure(nowMs)?.errorMs ?? NaN);
    }
    for (const errorMs of errors) expect(errorMs).toBeCloseTo(3, 6);
  });

  describe('stopped from outside', () => {
    const stretch = {
      ...track('a'),
      ...{ id: 's', entryId: 'e' as EntryId, startMs: 0, endMs: 60_000, joins: false },
    };

    async function playing() {
      const made = outputOf();
      await prepared(made.output, ['a']);
      const element = made.elements[0];
      if (element === undefined) throw new Error('no element');
      element.dispatchEvent(new Event('loadedmetadata'));
      made.output.follow([stretch], 0);
      return { ...made, element };
    }

    it('plays again from where it will be by then, tried once a second', async () => {
      const { output, element, pass } = await playing();
      element.pause();
      expect(output.heldBy(20_000)).toBe('system');
      output.follow([stretch], 20_000);
      expect(element.currentTime).toBeCloseTo(20.3, 3);
      pass();
      expect(element.paused).toBe(false);
      expect(output.heldBy(20_300)).toBeUndefined();
      element.pause();
      output.follow([stretch], 20_900);
      pass();
      expect(element.paused).toBe(true);
      output.follow([stretch], 21_000);
      pass();
      expect(element.paused).toBe(false);
    });

    it('says that it wants a press where the browser refuses, and plays in it', async () => {
      const { output, element, pass } = await playing();
      const play = element.play.bind(element);
      const refused = Object.assign(new Error('not now'), { name: 'NotAllowedError' });
      element.pause();
      element.play = () => Promise.reject(refused);
      output.follow([stretch], 5_000);
      pass();
      await new Promise<void>((resolve) => setImmediate(resolve));
      expect(output.heldBy(5_400)).toBe('press');
      element.play = play;
      output.unlock();
      expect(element.paused).toBe(false);
      expect(output.heldBy(5_500)).toBeUndefined();
    });

    it('stays silent where it was stopped on purpose', async () => {
      const { output, element } = await playing();
      output.follow([], 5_000);
      expect(element.paused).toBe(true);
      output.follow([], 9_000);
      expect(element.paused).toBe(true);
      expect(output.heldBy(9_000)).toBeUndefined();
    });
  });

  it('without a context, makes a track quieter by its own level, and never louder than it is', async () => {
    const { output, elements } = outputOf((trackId) => (trackId === 'a' ? 0.5 : 1.6));
    output.setVolume(0.8);
    await prepared(output, ['a', 'b']);
    expect(elements.map(({ volume }) => volume)).toEqual([0.4, 1]);
  });
});
