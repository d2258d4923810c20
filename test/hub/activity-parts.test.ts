import { describe, expect, it, vi } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import { ActivityHistory } from '../../src/hub/activity/activity-history.ts';
import type { Activity } from '../../src/hub/listening/live-activity.ts';
import { ActivityPublisher } from '../../src/hub/activity/activity-publisher.ts';
import { ActivityRecorder } from '../../src/hub/activity/activity-recorder.ts';
import type { HeardEntry, PlayedEntry } from '../../src/ports/activity-log.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { RecordingLog, silentMetrics, userId } from '../support/hub-world.ts';
import { KeepingOutbox } from '../support/listening-world.ts';
import { ManualTime } from '../support/manual-time.ts';

/** For a stop. */
const PATIENCE_MS = 3_000;

const track = { title: 'Title', artist: 'Artist', durationMs: 60_000, hasCover: false };

function heard(id: string, from: number, to: number): HeardEntry {
  return {
    kind: 'heard',
    listenId: id,
    userId: userId(1),
    track,
    playKey: id,
    spans: [[from, to]],
  };
}

function played(id: string, version: number): PlayedEntry {
  return {
    kind: 'activity',
    activityId: id,
    userId: userId(1),
    version,
    at: 0,
    track,
    isPrivate: false,
  };
}

describe('the recorder', () => {
  function recorder(mostWaiting?: number) {
    const time = new ManualTime();
    const outbox = new KeepingOutbox();
    const log = new RecordingLog();
    const made = new ActivityRecorder({
      outbox,
      timers: time,
      log,
      metrics: silentMetrics,
      ...(mostWaiting === undefined ? {} : { mostWaiting }),
    });
    return { time, outbox, log, recorder: made };
  }

  it('tells a quarter of a second’s entries as one', async () => {
    const { time, outbox, recorder: it } = recorder();
    it.record(played('a', 1));
    it.record(heard('a', 0, 5));
    await time.advance(200);
    it.record(played('b', 2));
    expect(outbox.calls).toBe(0);
    await time.advance(50);
    expect(outbox.calls).toBe(1);
    expect(outbox.entries).toHaveLength(3);
    await time.advance(1_000);
    expect(outbox.calls).toBe(1);
    expect(time.waiting).toBe(0);
  });

  it('keeps all of it while the outbox is away, joined by what it is about, and says so once', async () => {
    const { time, outbox, log, recorder: it } = recorder();
    outbox.isAway = true;
    for (let n = 0; n < 40; n += 1) {
      it.record(heard('a', n * 5, n * 5 + 5));
      it.record(played('a', n));
      await time.advance(1_000);
    }
    expect(it.waiting).toBe(2);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(outbox.calls).toBeGreaterThan(2);
    outbox.isAway = false;
    await time.advance(20_000);
    expect(outbox.heard()).toMatchObject([{ spans: [[0, 200]] }]);
    expect(outbox.played()).toMatchObject([{ version: 39 }]);
    expect(it.waiting).toBe(0);
  });

  it('tells of an activity that it ends with where it began first, also after an absence in between', async () => {
    const { time, outbox, recorder: it } = recorder();
    it.record(played('a', 1));
    it.record({ ...played('a', 2), at: 30, endedAt: 40 });
    await time.advance(250);
    expect(outbox.entries).toEqual([{ ...played('a', 2), endedAt: 40 }]);
  });

  it('loses nothing that comes while it is being told', async () => {
    const { time, outbox, recorder: it } = recorder();
    const add = outbox.add.bind(outbox);
    let release: () => void = () => undefined;
    outbox.add = async (entries) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      await add(entries);
    };
    it.record(heard('a', 0, 5));
    await time.advance(250);
    it.record(heard('a', 5, 10));
    release();
    await time.advance(250);
    release();
    await time.settle();
    expect(outbox.heardMs(1, 'Title')).toBe(10);
    expect(it.waiting).toBe(0);
  });

  it('loses what is beyond its bound, counts it and says so once', async () => {
    const { time, outbox, log, recorder: it } = recorder(3);
    outbox.isAway = true;
    for (let n = 0; n < 5; n += 1) it.record(played(`a${n}`, n));
    await time.advance(1_000);
    expect([it.waiting, it.lost]).toEqual([3, 2]);
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    outbox.isAway = false;
    await time.advance(5_000);
    expect(outbox.entries).toHaveLength(3);
  });

  it('loses nothing that takes something back, and tells it to an outbox that takes nothing else', async () => {
    const { time, outbox, recorder: it } = recorder(3);
    outbox.isFull = true;
    for (let n = 0; n < 3; n += 1) it.record(played(`a${n}`, n));
    await time.advance(10_000);
    const back = { ...played('seen', 9), isPrivate: true, takesBack: true };
    expect(it.record(back)).toBe(true);
    expect(it.record(played('b', 1))).toBe(false);
    await time.advance(250);
    expect(outbox.entries).toEqual([back]);
    expect([it.waiting, it.lost]).toEqual([3, 1]);
    // And while one of the others is being told.
    const add = outbox.add.bind(outbox);
    let answer: () => void = () => undefined;
    outbox.add = async (entries) => {
      await new Promise<void>((resolve) => (answer = resolve));
      await add(entries);
    };
    await time.advance(15_000);
    it.record({ ...back, activityId: 'other' });
    answer();
    await time.advance(250);
    answer();
    await time.settle();
    expect(outbox.entries).toHaveLength(2);
    outbox.add = add;
    outbox.isFull = false;
    await time.advance(20_000);
    expect([it.waiting, outbox.entries.length]).toEqual([0, 5]);
  });

  it('hands on what waits when it stops', async () => {
    const { time, outbox, recorder: it } = recorder();
    it.record(played('a', 1));
    await it.stop(PATIENCE_MS);
    expect(outbox.entries).toHaveLength(1);
    expect(time.waiting).toBe(0);
  });

  it('hands on more than one batch when it stops, after the one that is under way', async () => {
    const { time, outbox, recorder: it } = recorder();
    const add = outbox.add.bind(outbox);
    const held: (() => void)[] = [];
    outbox.add = async (entries) => {
      await new Promise<void>((resolve) => held.push(resolve));
      await add(entries);
    };
    for (let n = 0; n < 1_500; n += 1) it.record(played(`a${n}`, n));
    await time.advance(250);
    for (let n = 1_500; n < 2_500; n += 1) it.record(played(`a${n}`, n));
    let isOver = false;
    const stopped = it.stop(PATIENCE_MS).then(() => (isOver = true));
    for (let batch = 1; batch <= 3; batch += 1) {
      await time.settle();
      expect([held.length, isOver]).toEqual([batch, false]);
      held.at(-1)?.();
    }
    await stopped;
    expect(new Set(outbox.played().map(({ activityId }) => activityId)).size).toBe(2_500);
    expect([it.waiting, it.lost]).toEqual([0, 0]);
  });

  it('counts as lost what cannot be handed on when it stops, and what comes after it', async () => {
    const { time, outbox, log, recorder: it } = recorder();
    for (let n = 0; n < 1_500; n += 1) it.record(played(`a${n}`, n));
    const add = outbox.add.bind(outbox);
    outbox.add = async (entries) => {
      await add(entries);
      outbox.isAway = true;
    };
    expect(await it.stop(PATIENCE_MS)).toBe(500);
    it.record(played('late', 1));
    expect(outbox.entries).toHaveLength(1_000);
    expect([it.waiting, it.lost]).toEqual([0, 501]);
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(time.waiting).toBe(0);
  });

  it('does not wait for an outbox that does not answer when it stops: what it has is counted as lost, and told', async () => {
    const { time, outbox, log, recorder: it } = recorder();
    outbox.add = () => new Promise(() => undefined);
    it.record(played('under way', 1));
    await time.advance(250);
    it.record(played('a', 1));
    it.record(heard('a', 0, 5));
    let lost: number | undefined;
    const stopped = it.stop(PATIENCE_MS).then((count) => (lost = count));
    await time.advance(PATIENCE_MS - 1);
    expect(lost).toBeUndefined();
    await time.advance(1);
    await stopped;
    expect([lost, it.lost, it.waiting]).toEqual([3, 3, 0]);
    expect(log.lines.at(-1)).toMatchObject({ level: 'error', fields: { entries: 3 } });
    expect(await it.stop(PATIENCE_MS)).toBe(3);
    expect(time.waiting).toBe(0);
  });

  it('begins no further batch once its time to stop is over', async () => {
    const { time, outbox, recorder: it } = recorder();
    let answer = (): void => undefined;
    let calls = 0;
    outbox.add = () => {
      calls += 1;
      return new Promise((resolve) => (answer = resolve));
    };
    for (let n = 0; n < 1_500; n += 1) it.record(played(`a${n}`, n));
    const stopped = it.stop(PATIENCE_MS);
    await time.advance(PATIENCE_MS);
    expect(await stopped).toBe(1_500);
    answer();
    await time.settle();
    expect(calls).toBe(1);
  });
});

describe('the history', () => {
  it('has an order of the words about one person, and is ahead of the time for nobody else', async () => {
    const time = new ManualTime();
    const outbox = new KeepingOutbox();
    const log = new RecordingLog();
    const recorder = new ActivityRecorder({ outbox, timers: time, log, metrics: silentMetrics });
    const it = new ActivityHistory(recorder, time);
    const activity = (n: number): Activity => ({
      activityId: `a${n}`,
      playKey: 'p',
      at: 0,
      state: 'playing',
      track,
      positionMs: 0,
      positionAt: 0,
      isHidden: false,
    });
    for (let n = 0; n < 150; n += 1) it.played(userId(n), activity(n), { isPrivate: false });
    await time.advance(10);
    it.played(userId(149), activity(150), { isPrivate: false });
    it.played(userId(149), activity(151), { isPrivate: false });
    await time.advance(250);
    const versions = outbox.played().map(({ version }) => version - time.now() + 260);
    expect(new Set(versions.slice(0, 150))).toEqual(new Set([0]));
    expect(versions.slice(150)).toEqual([10, 11]);
  });
});

/** What is live, as the feed is told. */
function live(n: number): JsonObject {
  return { activityId: `a${n}`, user: { id: userId(1) }, track, state: 'playing' };
}

class HeldFeed {
  readonly told: { readonly author: UserId; readonly item: JsonObject | undefined; at: number }[] =
    [];
  isAway = false;
  underWay = 0;
  /** What was asked whether it is so, in order. */
  readonly checked: UserId[] = [];
  isPolicyKnown = true;
  isCurrent = (): Promise<boolean> => Promise.resolve(this.isPolicyKnown);
  mostUnderWay = 0;
  readonly #time: ManualTime;

  constructor(time: ManualTime) {
    this.#time = time;
  }

  async publish(author: UserId, item: JsonObject | undefined): Promise<number> {
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    await new Promise((resolve) => setImmediate(resolve));
    this.underWay -= 1;
    if (this.isAway) throw new StoreUnavailable('the feed');
    this.told.push({ author, item, at: this.#time.now() });
    return this.told.length;
  }
}

describe('the publisher', () => {
  function publisher() {
    const time = new ManualTime();
    const feed = new HeldFeed(time);
    const log = new RecordingLog();
    const made = new ActivityPublisher({
      feed,
      isCurrent: (author) => {
        feed.checked.push(author);
        return feed.isCurrent();
      },
      clock: time,
      timers: time,
      log,
      metrics: silentMetrics,
    });
    return { time, feed, log, publisher: made };
  }

  it('tells at once, then at most once a second, and then the latest', async () => {
    const { time, feed, publisher: it } = publisher();
    const start = time.now();
    for (let n = 0; n < 30; n += 1) {
      it.want(userId(1), { n });
      await time.advance(100);
    }
    await time.advance(1_000);
    const gaps = feed.told.slice(1).map(({ at }, i) => at - (feed.told[i]?.at ?? 0));
    expect(feed.told[0]).toMatchObject({ at: start, item: { n: 0 } });
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(999);
    expect(feed.told.at(-1)?.item).toEqual({ n: 29 });
  });

  it('does not let one person wait for another', async () => {
    const { time, feed, publisher: it } = publisher();
    it.want(userId(1), { n: 1 });
    await time.advance(10);
    it.want(userId(1), { n: 2 });
    await time.advance(10);
    it.want(userId(2), { n: 3 });
    await time.advance(1);
    expect(feed.told.map(({ item }) => item)).toEqual([{ n: 1 }, { n: 3 }]);
  });

  it('tells again until it is there, the latest only, and says once that the feed is away', async () => {
    const { time, feed, log, publisher: it } = publisher();
    feed.isAway = true;
    it.want(userId(1), { n: 1 });
    await time.advance(3_500);
    it.want(userId(1), { n: 2 });
    expect(it.isTold(userId(1))).toBe(false);
    feed.isAway = false;
    await time.advance(2_000);
    expect(feed.told.map(({ item }) => item)).toEqual([{ n: 2 }]);
    expect(it.isTold(userId(1))).toBe(true);
    expect(log.lines).toHaveLength(1);
  });

  it('says again what it could not say once it is known to be so still', async () => {
    const { time, feed, publisher: it } = publisher();
    feed.isAway = true;
    it.want(userId(1), live(1));
    await time.advance(500);
    expect(feed.checked).toEqual([]);
    feed.isAway = feed.isPolicyKnown = false;
    await time.advance(3_000);
    expect(feed.told).toEqual([]);
    feed.isPolicyKnown = true;
    await time.advance(2_000);
    expect(feed.told).toHaveLength(1);
    const checked = feed.checked.length;
    it.want(userId(1), live(2));
    await time.advance(2_000);
    expect(feed.told).toHaveLength(2);
    expect(feed.checked).toHaveLength(checked);
  });

  it('asks nobody before it says again what only takes away', async () => {
    const { time, feed, publisher: it } = publisher();
    feed.isAway = true;
    feed.isPolicyKnown = false;
    it.want(userId(1), live(1));
    it.want(userId(2), live(1));
    await time.advance(500);
    it.want(userId(1), { hidden: ['x'] });
    it.want(userId(2), undefined);
    feed.isAway = false;
    await time.advance(1_500);
    expect(feed.told.map(({ item }) => item)).toEqual([{ hidden: ['x'] }, undefined]);
    expect(feed.checked).toEqual([]);
  });

  it('says at once what takes away while it is asked whether what was live is so still', async () => {
    const { time, feed, publisher: it } = publisher();
    feed.isAway = true;
    it.want(userId(1), live(1));
    await time.advance(500);
    feed.isAway = false;
    let answer: (isCurrent: boolean) => void = () => undefined;
    feed.isCurrent = () => new Promise<boolean>((resolve) => (answer = resolve));
    await time.advance(600);
    it.want(userId(1), { hidden: ['x'] });
    answer(false);
    await time.settle();
    expect(feed.told.map(({ item }) => item)).toEqual([{ hidden: ['x'] }]);
  });

  it('does not wait with what withholds something, and keeps its pace with the rest', async () => {
    const { time, feed, publisher: it } = publisher();
    const start = time.now();
    it.want(userId(1), { n: 1 });
    await time.advance(100);
    it.want(userId(1), { hidden: ['x'] });
    await time.advance(100);
    it.want(userId(1), { hidden: ['x'], n: 2 });
    await time.advance(2_000);
    expect(feed.told.map(({ item, at }) => [item, at - start])).toEqual([
      [{ n: 1 }, 0],
      [{ hidden: ['x'] }, 100],
      [{ hidden: ['x'], n: 2 }, 1_100],
    ]);
  });

  it('tells a thousand people, some at a time', async () => {
    const { time, feed, publisher: it } = publisher();
    for (let n = 0; n < 1_000; n += 1) it.want(userId(n), { n });
    for (let turn = 0; turn < 20; turn += 1) await time.advance(1);
    expect(feed.told).toHaveLength(1_000);
    expect(feed.mostUnderWay).toBeLessThanOrEqual(100);
  });

  it('looks at nobody else for each of a thousand who are not due yet', async () => {
    const { time, feed, publisher: it } = publisher();
    for (let n = 0; n < 1_000; n += 1) it.want(userId(n), { n });
    for (let turn = 0; turn < 20; turn += 1) await time.advance(1);
    const lookUps = vi.spyOn(Map.prototype, 'get');
    for (let n = 0; n < 1_000; n += 1) it.want(userId(n), { n: -n });
    const count = lookUps.mock.calls.length;
    lookUps.mockRestore();
    expect(count).toBeLessThan(10_000);
    await time.advance(2_000);
    expect(feed.told).toHaveLength(2_000);
  });

  it('takes away once, and forgets the person', async () => {
    const { time, feed, publisher: it } = publisher();
    it.want(userId(1), undefined);
    it.want(userId(1), { n: 1 });
    await time.advance(1_000);
    it.want(userId(1), undefined);
    it.want(userId(1), undefined);
    await time.advance(5_000);
    it.prune();
    expect(feed.told.map(({ item }) => item)).toEqual([{ n: 1 }, undefined]);
    expect(it.size).toBe(0);
    expect(time.waiting).toBe(0);
  });
});
