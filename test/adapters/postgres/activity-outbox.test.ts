// The outbox of listening: what is told is kept until its store has it, within a bound, and one that is no entry keeps nobody out.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryActivityLog } from '../../../src/adapters/memory/memory-activity-log.ts';
import type { PostgresActivityOutbox } from '../../../src/adapters/postgres/postgres-activity-outbox.ts';
import type { ActivityReject } from '../../../src/adapters/postgres/postgres-activity-rejects.ts';
import { systemTimers } from '../../../src/adapters/system/system-timers.ts';
import type { ActivityEntry, PlayedEntry } from '../../../src/ports/activity-log.ts';
import { ActivityOutboxFull } from '../../../src/ports/activity-outbox.ts';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';
import type { UserId } from '../../../protocol/ids.ts';
import {
  openEmbeddedStores,
  type PostgresStores,
} from '../../../src/adapters/postgres/open-postgres-stores.ts';
import { temporaryDir } from '../../support/earshot-process.ts';
import { putEmptyDatabase } from '../../support/empty-database.ts';
import { silentMetrics } from '../../support/hub-world.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import { someUserId } from '../../support/room-fixtures.ts';

const MAX = 20;
const POISON = 'poison';

/** A store that may be away, and that never takes what is called `POISON`. */
class MoodyLog extends MemoryActivityLog {
  isAway = false;
  takesPoison = false;
  calls = 0;
  readonly told: ActivityEntry[] = [];
  override async append(entries: readonly ActivityEntry[]): Promise<void> {
    this.calls += 1;
    if (this.isAway) throw new StoreUnavailable('the store');
    if (
      !this.takesPoison &&
      entries.some((entry) => entry.kind === 'activity' && entry.roomName === POISON)
    )
      throw new RangeError('it is no entry');
    this.told.push(...entries);
    await super.append(entries);
  }
}

let count = 0;
function played(userId: UserId, roomName = 'Kitchen'): PlayedEntry {
  count += 1;
  const activityId = `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
  const track = { title: `T${count}`, artist: 'A', durationMs: 1_000, hasCover: false };
  return {
    ...{ kind: 'activity', activityId, userId, version: 1, at: count, track },
    ...{ roomName, isPrivate: false },
  };
}

describe('the outbox of listening', () => {
  let stores: PostgresStores;
  let log: MoodyLog;
  let outbox: PostgresActivityOutbox;
  let remove: () => Promise<unknown>;
  let ana: UserId;
  const outboxOn = (): PostgresActivityOutbox =>
    stores.createActivityOutbox({
      ...{ activityLog: log, maxEntries: MAX, now: () => 1, timers: systemTimers },
      ...{ metrics: silentMetrics, log: SILENT },
    });
  const history = async (): Promise<readonly string[]> =>
    (await log.historyPage(ana, { limit: 100, includePrivate: true })).map(
      ({ activityId }) => activityId,
    );

  beforeEach(async () => {
    const temporary = await temporaryDir();
    remove = () => temporary.remove();
    await putEmptyDatabase(temporary.dir);
    stores = await openEmbeddedStores({ dataDir: temporary.dir, log: SILENT });
    log = new MoodyLog();
    outbox = outboxOn();
    ana = someUserId();
  });
  afterEach(async () => {
    await outbox.stop();
    await stores.stop();
    await remove();
  });

  it('hands on what it is told, also what was told before it died, once its store is back', async () => {
    log.isAway = true;
    outbox.start();
    const first = [played(ana), played(ana)];
    await outbox.add(first);
    await expect.poll(() => log.calls).toBeGreaterThan(0);
    expect(await history()).toEqual([]);
    await outbox.stop();
    outbox = outboxOn();
    outbox.start();
    const second = played(ana);
    await outbox.add([second]);
    log.isAway = false;
    await expect
      .poll(history)
      .toEqual([second, ...first.toReversed()].map(({ activityId }) => activityId));
  });

  it('stops though its store does not answer, and keeps what that has not taken', async () => {
    let answer = (): void => undefined;
    let isAsked = false;
    const append = log.append.bind(log);
    log.append = async (entries) => {
      isAsked = true;
      await new Promise<void>((resolve) => (answer = resolve));
      await append(entries);
    };
    log.isAway = true;
    outbox.start();
    const entry = played(ana);
    await outbox.add([entry]);
    await expect.poll(() => isAsked).toBe(true);
    await outbox.stop();
    // The embedded database has one connection, which the batch still holds.
    answer();
    log.append = append;
    log.isAway = false;
    outbox = outboxOn();
    outbox.start();
    await expect.poll(history).toEqual([entry.activityId]);
  });

  it('takes no more than it may hold, says so, and takes again when there is place', async () => {
    log.isAway = true;
    await outbox.add(Array.from({ length: MAX - 1 }, () => played(ana)));
    await expect(outbox.add([played(ana), played(ana)])).rejects.toThrow(ActivityOutboxFull);
    await outbox.add([played(ana)]);
    await expect(outbox.add([played(ana)])).rejects.toThrow(ActivityOutboxFull);
    log.isAway = false;
    outbox.start();
    await expect.poll(history).toHaveLength(MAX);
    await outbox.add([played(ana)]);
    await expect.poll(history).toHaveLength(MAX + 1);
  });

  it('takes what is taken back however full it is, and has no less place for it', async () => {
    log.isAway = true;
    const all = Array.from({ length: MAX }, () => played(ana));
    const [seen] = all;
    if (seen === undefined) expect.unreachable('an entry');
    const { activityId, userId } = seen;
    await outbox.add(all.slice(0, -1));
    for (const at of [1, 2, 3]) await outbox.add([{ kind: 'remove', activityId, userId, at }]);
    await outbox.add(all.slice(-1));
    await outbox.add([{ kind: 'remove', activityId, userId, at: 4 }]);
    await expect(outbox.add([played(ana)])).rejects.toThrow(ActivityOutboxFull);
    log.isAway = false;
    outbox.start();
    await expect.poll(history).toHaveLength(MAX - 1);
    expect(await history()).not.toContain(activityId);
  });

  it('takes what makes private what was told as public, however full it is, and has no less place for it', async () => {
    log.isAway = true;
    const all = Array.from({ length: MAX }, () => played(ana));
    const [seen] = all;
    if (seen === undefined) expect.unreachable('an entry');
    const hidden = { ...seen, version: 2, isPrivate: true };
    await outbox.add(all.slice(0, -1));
    await outbox.add([{ ...hidden, takesBack: true }]);
    await outbox.add(all.slice(-1));
    await outbox.add([{ ...hidden, version: 3, takesBack: true }]);
    await expect(outbox.add([hidden])).rejects.toThrow(ActivityOutboxFull);
    log.isAway = false;
    outbox.start();
    await expect.poll(history).toHaveLength(MAX);
    expect([...(await log.latest([ana])).keys()]).toEqual([ana]);
    const shown = await log.feedPage([ana], { limit: MAX });
    expect(shown.map(({ activityId }) => activityId)).not.toContain(seen.activityId);
  });

  it('sets aside what is no entry, and hands on its neighbours', async () => {
    const entries = [played(ana), played(ana, POISON), played(ana)];
    await outbox.add(entries);
    outbox.start();
    const taken = entries.filter(({ roomName }) => roomName !== POISON);
    await expect.poll(history).toEqual(taken.toReversed().map(({ activityId }) => activityId));
    const later = played(ana);
    await outbox.add([later]);
    await expect.poll(history).toContain(later.activityId);
  });

  it('has place beside what is set aside, which is listed, tried again and forgotten', async () => {
    await outbox.add(Array.from({ length: MAX }, () => played(ana, POISON)));
    outbox.start();
    const { activityRejects } = stores;
    const listed = async () => {
      const rejects: ActivityReject[] = [];
      for await (const reject of activityRejects.all()) rejects.push(reject);
      return rejects;
    };
    await expect.poll(listed).toHaveLength(MAX);
    const [first, second] = await listed();
    expect(first).toMatchObject({ reason: 'it is no entry', entry: { userId: ana } });
    const later = played(ana);
    await outbox.add([later]);
    await expect.poll(history).toEqual([later.activityId]);

    log.takesPoison = true;
    expect(await activityRejects.retry(first?.id ?? '')).toBe(true);
    await expect.poll(history).toHaveLength(2);
    expect(await activityRejects.retry(first?.id ?? '')).toBe(false);
    expect(await activityRejects.drop(second?.id ?? '')).toEqual(second);
    expect(await activityRejects.drop(second?.id ?? '')).toBeUndefined();
    expect(await listed()).toHaveLength(MAX - 2);
  });

  it('tells what was taken back, or is private, before all that waits', async () => {
    log.isAway = true;
    const entries = Array.from({ length: 5 }, () => played(ana));
    await outbox.add(entries);
    const { activityId } = entries[0] as PlayedEntry;
    await outbox.add([{ kind: 'remove', activityId, userId: ana, at: 2 }]);
    const second = entries[1] as PlayedEntry;
    const hidden = { ...second, version: second.version + 1, isPrivate: true };
    await outbox.add([hidden]);
    log.isAway = false;
    outbox.start();
    await expect.poll(() => log.told.length).toBe(7);
    const first = log.told.slice(0, 2);
    expect(first).toContainEqual(expect.objectContaining({ kind: 'remove' }));
    expect(first).toContainEqual(hidden);
    // It stays so, although what was told of it before comes later.
    expect(await history()).toHaveLength(4);
    expect(await log.feedPage([ana], { limit: 100 })).toHaveLength(3);
  });

  it('hands on what is left when it is not used any more', async () => {
    await outbox.add([played(ana), played(ana)]);
    await outbox.drain();
    expect(await history()).toHaveLength(2);
  });

  it('forgets what waits about a person', async () => {
    log.isAway = true;
    const ben = someUserId();
    await outbox.add([played(ana), played(ben)]);
    await outbox.forget(ben);
    log.isAway = false;
    outbox.start();
    await expect.poll(history).toHaveLength(1);
    expect(await log.historyPage(ben, { limit: 9, includePrivate: true })).toEqual([]);
  });
});
