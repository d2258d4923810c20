// An element's deck over a network that comes and goes.
import { describe, expect, it } from 'vitest';
import type { TrackId } from '../../protocol/ids.ts';
import { Deck } from '../../src/client/audio-deck.ts';
import { EarshotError } from '../../src/client/errors.ts';

const MEDIA_ERR_NETWORK = 2;
const MEDIA_ERR_DECODE = 3;

/** As much of a media element as a deck touches; what becomes of a load is the test's to say. */
class FakeElement extends EventTarget {
  src = '';
  paused = true;
  seeking = false;
  ended = false;
  readyState = 0;
  currentTime = 0;
  playbackRate = 1;
  error: { readonly code: number; readonly message: string } | null = null;

  load(): void {
    this.readyState = 0;
    this.currentTime = 0;
    this.error = null;
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
  loaded(): void {
    this.readyState = 4;
    this.dispatchEvent(new Event('loadedmetadata'));
  }
  breaks(code: number): void {
    this.error = { code, message: `error ${code}` };
    this.dispatchEvent(new Event('error'));
  }
}

class World {
  readonly element = new FakeElement();
  readonly asked: string[] = [];
  answer: () => Promise<string> = () => Promise.resolve(`/media?v=${this.asked.length}`);
  waits: { readonly ms: number; readonly call: () => void }[] = [];
  readonly deck = new Deck({
    element: this.element as unknown as HTMLAudioElement,
    url: (trackId, fresh) => {
      this.asked.push(fresh ? `${trackId} fresh` : trackId);
      return this.answer();
    },
    after: (ms, call) => {
      const wait = { ms, call };
      this.waits.push(wait);
      return () => (this.waits = this.waits.filter((each) => each !== wait));
    },
    onChange: () => undefined,
  });

  async load(id = 'a'): Promise<void> {
    this.deck.load(id as TrackId);
    await settle();
  }

  async waited(): Promise<void> {
    for (const { call } of this.waits.splice(0)) call();
    await settle();
  }
}

async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

const away = (): Promise<string> => Promise.reject(new EarshotError('connection_lost', 'away'));
const gone = (): Promise<string> => Promise.reject(new EarshotError('not_found', 'gone'));

describe('Deck', () => {
  it('asks again for its address for as long as the network is away', async () => {
    const world = new World();
    world.answer = away;
    await world.load();
    await world.waited();
    expect(world.deck.failure).toBeUndefined();
    const pauses = world.waits.map(({ ms }) => ms);
    expect(pauses[0]).toBeGreaterThan(0);
    world.answer = () => Promise.resolve('/media?v=9');
    await world.waited();
    expect(world.element.src).toBe('/media?v=9');
    expect(world.waits).toEqual([]);
  });

  it('tells a refusal at once', async () => {
    const world = new World();
    world.answer = gone;
    await world.load();
    expect(world.deck.failure).toBe('gone');
    expect(world.waits).toEqual([]);
  });

  it('goes on where it was after each cut of the network, however many there are', async () => {
    const world = new World();
    await world.load();
    world.element.loaded();
    world.deck.play();
    for (let cut = 0; cut < 3; cut += 1) {
      world.element.currentTime = 30 + cut;
      world.element.breaks(MEDIA_ERR_NETWORK);
      await settle();
      await world.waited();
      expect(world.deck.failure).toBeUndefined();
      world.element.loaded();
      expect(world.element.currentTime).toBe(30 + cut);
      expect(world.element.paused).toBe(false);
    }
  });

  it('gives up on what cannot be decoded from a fresh address either', async () => {
    const world = new World();
    await world.load();
    world.element.breaks(MEDIA_ERR_DECODE);
    await settle();
    expect(world.deck.failure).toBeUndefined();
    expect(world.asked).toEqual(['a', 'a fresh']);
    world.element.breaks(MEDIA_ERR_DECODE);
    await settle();
    expect(world.deck.failure).toBe('error 3');
  });

  it('does not blame the next track for an address of the last one', async () => {
    const world = new World();
    let refuse: (error: Error) => void = () => undefined;
    world.answer = () => new Promise((_, reject) => (refuse = reject));
    await world.load('a');
    const late = refuse;
    await world.load('b');
    late(new EarshotError('not_found', 'gone'));
    await settle();
    expect(world.deck.failure).toBeUndefined();
  });

  it('waits for nothing once it is unloaded or closed', async () => {
    const world = new World();
    world.answer = away;
    await world.load();
    world.deck.close();
    expect(world.waits).toEqual([]);
  });
});
