// Looking after stores: what counts as away, what is said of it, and what is not asked twice.
import { beforeEach, describe, expect, it } from 'vitest';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { StoreWatch, type WatchedStore } from '../../src/store-watch.ts';
import { logRecorder, type Line } from '../support/log-recorder.ts';
import { ManualTime } from '../support/manual-time.ts';

class FakeStore implements WatchedStore {
  readonly name: WatchedStore['name'];
  readonly isNeeded: boolean;
  state: 'there' | 'away' | 'silent' = 'there';
  looks = 0;

  constructor(name: WatchedStore['name'], isNeeded: boolean) {
    this.name = name;
    this.isNeeded = isNeeded;
  }

  look(): Promise<void> {
    this.looks += 1;
    if (this.state === 'silent') return new Promise(() => undefined);
    if (this.state === 'there') return Promise.resolve();
    return Promise.reject(new StoreUnavailable(this.name));
  }
}

describe('a watch over stores', () => {
  let time: ManualTime;
  let lines: Line[];
  let postgres: FakeStore;
  let mongo: FakeStore;
  let watch: StoreWatch;
  let figures: () => Promise<string[]>;
  beforeEach(() => {
    time = new ManualTime();
    lines = [];
    postgres = new FakeStore('Postgres', true);
    mongo = new FakeStore('MongoDB', false);
    const metrics = createPromMetrics();
    watch = new StoreWatch({
      stores: [postgres, mongo],
      timers: time,
      metrics,
      log: logRecorder(lines),
      now: () => time.now(),
    });
    figures = async () =>
      (await metrics.exposition()).body
        .split('\n')
        .filter((line) => line.startsWith('earshot_store_up{'));
  });
  const told = () => lines.filter(({ level }) => level !== 'debug').map((line) => line.message);

  it('says nothing while they answer, and of a moment in which one does not', async () => {
    await time.advance(10_000);
    mongo.state = 'away';
    await time.advance(3_000);
    mongo.state = 'there';
    await time.advance(10_000);
    expect([watch.faults(), watch.away(), told()]).toEqual([[], [], []]);
    expect(await figures()).toEqual([
      'earshot_store_up{store="postgres"} 1',
      'earshot_store_up{store="mongodb"} 1',
    ]);
  });

  it('tells of one without which rooms go on, once, and sends nobody elsewhere', async () => {
    mongo.state = 'away';
    await time.advance(8_000);
    expect(watch.faults()).toEqual([]);
    expect(watch.away()).toEqual([{ store: 'mongodb', awayMs: 8_000 }]);
    expect(await figures()).toContain('earshot_store_up{store="mongodb"} 0');
    await time.advance(60_000);
    mongo.state = 'there';
    await time.advance(2_000);
    expect(watch.away()).toEqual([]);
    expect(told()).toEqual(['a store is away', 'a store is back']);
    expect(lines.find(({ level }) => level === 'warn')).toMatchObject({ store: 'MongoDB' });
  });

  it('gives one that is needed as a reason, also where it never answers, and does not pile questions up', async () => {
    postgres.state = 'silent';
    await time.advance(8_000);
    expect(watch.faults()).toEqual(['Postgres cannot be reached']);
    const { looks } = postgres;
    await time.advance(60_000);
    expect(postgres.looks - looks).toBeLessThan(6);
  });

  it('finds one that was silent there again, though what it was asked then is never answered', async () => {
    postgres.state = 'silent';
    await time.advance(8_000);
    postgres.state = 'there';
    await time.advance(16_000);
    expect(watch.faults()).toEqual([]);
    expect(told()).toEqual(['a store is away', 'a store is back']);
  });

  it('does not take a standstill of its own for that of a store', async () => {
    await time.advance(1_000);
    // All that was due happens at once, before anything that has come is read.
    postgres.state = 'silent';
    await time.advance(2_500);
    postgres.state = 'there';
    await time.advance(3_000);
    expect([watch.faults(), told()]).toEqual([[], []]);
  });

  it('looks no more once it has stopped', async () => {
    watch.stop();
    const { looks } = mongo;
    await time.advance(60_000);
    expect(mongo.looks).toBe(looks);
  });
});
