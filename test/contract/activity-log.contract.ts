// What every ActivityLog keeps, whatever it is made of.
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RoomId, UserId } from '../../protocol/ids.ts';
import type { ActivityTrack } from '../../protocol/schemas/feed.ts';
import { systemRandom } from '../../src/adapters/system/system-random.ts';
import { importedEntry, type ImportedListen } from '../../src/domain/imported-listen.ts';
import type {
  ActivityLog,
  ActivityPlace,
  ExportedRecord,
  HeardEntry,
  PastActivity,
  PlayedEntry,
  RemoveEntry,
} from '../../src/ports/activity-log.ts';
import { someUserId } from '../support/room-fixtures.ts';
import type { ContextOf } from './context.ts';

const MIN = 60_000;
const T = Date.UTC(2026, 10, 24, 12);

function song(title: string, artist = 'Ana', durationMs = 3 * MIN): ActivityTrack {
  return { title, artist, durationMs, hasCover: false };
}

function played(userId: UserId, at: number, more: Partial<PlayedEntry> = {}): PlayedEntry {
  const activityId = randomUUID();
  return {
    ...{ kind: 'activity', activityId, userId, version: at, at, isPrivate: false },
    track: song(`at ${at - T}`),
    ...more,
  };
}

function heard(
  userId: UserId,
  spans: HeardEntry['spans'],
  more: Partial<HeardEntry> = {},
): HeardEntry {
  const listenId = randomUUID();
  return { kind: 'heard', listenId, userId, track: song('A'), playKey: listenId, spans, ...more };
}

function removal(userId: UserId, activityId: string, at = T): RemoveEntry {
  return { kind: 'remove', activityId, userId, at };
}

const idOf = (seed: string): string => systemRandom.activityId(seed);

export function activityLogContract(context: ContextOf<'activityLog'>): void {
  const log = (): ActivityLog => context.stores().activityLog;
  const someone = someUserId;
  const ever = { from: 0, to: Number.MAX_SAFE_INTEGER, limit: 100 };
  const everyone = { ...ever, timeZone: 'UTC' };
  const pastOf = ({ kind: _kind, version: _version, ...past }: PlayedEntry): PastActivity => past;
  const history = (userId: UserId, includePrivate = true) =>
    log().historyPage(userId, { limit: 100, includePrivate });
  const listens = (userId: UserId) => log().listensPage(userId, { limit: 100 });

  describe('ActivityLog', () => {
    it('knows nothing of a person who listened to nothing', async () => {
      const ana = someone();
      await log().append([]);
      expect(await history(ana)).toEqual([]);
      expect(await listens(ana)).toEqual([]);
      expect(await log().counts(ana, { ...everyone, by: 'track' })).toEqual([]);
      expect(await log().together(ana, ever)).toEqual([]);
      expect(await log().latest([ana])).toEqual(new Map());
      expect(await log().feedPage([], { limit: 5 })).toEqual([]);
    });

    it('tells what was listened to, the newest first, as it was written', async () => {
      const ana = someone();
      const [a, b] = [
        played(ana, T, { endedAt: T + 5, roomId: randomUUID() as RoomId, roomName: 'Kitchen ☕' }),
        played(ana, T + 10, {
          track: { ...song('line\nbreak "q"'), album: 'B', trackId: 'x' as never },
        }),
      ];
      await log().append([b, a]);
      expect(await history(ana)).toEqual([pastOf(b), pastOf(a)]);
    });

    it('keeps the newest word about an activity, in whatever order and however often it is told', async () => {
      const ana = someone();
      const first = played(ana, T);
      const last = { ...first, version: T + 9, endedAt: T + 9 };
      await log().append([last, first]);
      await log().append([first]);
      await log().append([last, last]);
      expect(await history(ana)).toEqual([pastOf(last)]);
    });

    it('shows no more what is taken back by a word that makes it private', async () => {
      const ana = someone();
      const seen = played(ana, T);
      const hidden = { ...seen, version: T + 1, isPrivate: true, takesBack: true };
      await log().append([seen, hidden]);
      expect(await log().feedPage([ana], { limit: 9 })).toEqual([]);
      expect(await history(ana)).toEqual([pastOf({ ...seen, isPrivate: true })]);
    });

    it('keeps the earliest beginning that was told, so that no page skips what goes on on another node', async () => {
      const ana = someone();
      const [early, late] = [played(ana, T), played(ana, T + 10)];
      await log().append([early, late]);
      const [newest] = await log().feedPage([ana], { limit: 1 });
      if (newest === undefined) expect.unreachable('a page');
      // While the first page is looked at, the other one is told again from where its person has come to.
      const moved = { ...early, version: T + 99, at: T + 20, endedAt: T + 30 };
      await log().append([moved]);
      const after = { at: newest.at, id: newest.activityId };
      const rest = await log().feedPage([ana], { limit: 9, after });
      expect(rest).toEqual([pastOf({ ...moved, at: early.at })]);
    });

    it('knows the earliest beginning in whatever order words come, and takes nothing else of an old one', async () => {
      const ana = someone();
      const old = played(ana, T, { roomName: 'Kitchen' });
      const newest = { ...old, version: T + 9, at: T + 9, roomName: 'Hall' };
      await log().append([newest]);
      await log().append([old]);
      expect(await history(ana)).toEqual([pastOf({ ...newest, at: T })]);
      const ben = someone();
      await log().append([
        { ...newest, userId: ben },
        { ...old, userId: ben },
      ]);
      expect(await history(ben)).toEqual([pastOf({ ...newest, userId: ben, at: T })]);
      await log().append([removal(ana, old.activityId), { ...old, at: T - 9 }]);
      expect(await history(ana)).toEqual([]);
    });

    it('shows private ones to their author alone', async () => {
      const ana = someone();
      const [shown, hidden] = [played(ana, T), played(ana, T + 1, { isPrivate: true })];
      await log().append([shown, hidden]);
      expect(await history(ana)).toEqual([pastOf(hidden), pastOf(shown)]);
      expect(await history(ana, false)).toEqual([pastOf(shown)]);
      expect(await log().feedPage([ana], { limit: 9 })).toEqual([pastOf(shown)]);
      expect(await log().latest([ana])).toEqual(new Map([[ana, pastOf(shown)]]));
    });

    it('pages neither skip nor repeat, also among those of one moment and while others are written', async () => {
      const [ana, ben] = [someone(), someone()];
      const all = Array.from({ length: 25 }, (_, i) =>
        played(i % 3 === 0 ? ben : ana, T + Math.floor(i / 5)),
      );
      await log().append(all);
      const met: string[] = [];
      let after: ActivityPlace | undefined;
      for (;;) {
        const page = await log().feedPage([ana, ben], { limit: 4, after });
        met.push(...page.map(({ activityId }) => activityId));
        const last = page.at(-1);
        if (last === undefined) break;
        after = { at: last.at, id: last.activityId };
        await log().append([played(ana, T + 100 + met.length)]);
      }
      const inOrder = all.toSorted((a, b) => b.at - a.at || (a.activityId < b.activityId ? 1 : -1));
      expect(met).toEqual(inOrder.map(({ activityId }) => activityId));
    });

    it('counts a listen once half of the track, or four minutes, were heard', async () => {
      const ana = someone();
      const half = heard(ana, [[T, T + 1.5 * MIN]]);
      const less = heard(ana, [[T, T + 1.5 * MIN - 1]]);
      const long = heard(ana, [[T + 5, T + 5 + 4 * MIN]], { track: song('L', 'Ana', 60 * MIN) });
      await log().append([half, less, long]);
      const counted = await listens(ana);
      expect(counted.map(({ listenId }) => listenId)).toEqual([long.listenId, half.listenId]);
      expect(counted[1]).toMatchObject({ at: T, heardMs: 1.5 * MIN, countedAt: T + 1.5 * MIN });
      await log().append([{ ...less, spans: [[T + 2 * MIN, T + 2 * MIN + 1]] }]);
      expect(await listens(ana)).toHaveLength(3);
    });

    it('counts the same time once, from whatever tab, node or repetition it comes', async () => {
      const ana = someone();
      const one = heard(ana, [[T, T + MIN]]);
      await log().append([one, { ...one, spans: [[T + MIN / 2, T + 1.2 * MIN]] }]);
      await log().append([one]);
      expect(await listens(ana)).toEqual([]);
      await log().append([{ ...one, spans: [[T + 1.1 * MIN, T + 1.6 * MIN]] }]);
      expect(await listens(ana)).toMatchObject([{ heardMs: 1.6 * MIN, countedAt: T + 1.5 * MIN }]);
    });

    it('loses nothing of what two writers tell at once of the same listen', async () => {
      const second = (await context.underTest.openSecond?.())?.activityLog ?? log();
      const ana = someone();
      const one = heard(ana, []);
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (i % 2 === 0 ? log() : second).append([
            { ...one, spans: [[T + i * 10_000, T + (i + 1) * 10_000]] },
          ]),
        ),
      );
      expect(await listens(ana)).toMatchObject([{ listenId: one.listenId, heardMs: 200_000 }]);
    });

    it('what is taken back is gone, and does not come back by what is told later', async () => {
      const [ana, ben] = [someone(), someone()];
      const activity = played(ana, T);
      const { activityId } = activity;
      const listen = heard(ana, [[T, T + 2 * MIN]], { listenId: activityId });
      await log().append([activity, listen]);
      // It is not theirs to take back.
      await log().append([removal(ben, activityId)]);
      expect(await history(ana)).toHaveLength(1);
      expect(await listens(ana)).toHaveLength(1);
      await log().append([removal(ana, activityId)]);
      await log().append([{ ...activity, version: T + 99 }, listen]);
      expect(await history(ana)).toEqual([]);
      expect(await listens(ana)).toEqual([]);
      expect(await log().latest([ana])).toEqual(new Map());
      expect(await log().together(ana, ever)).toEqual([]);
      const early = played(ana, T + 5);
      await log().append([removal(ana, early.activityId), early]);
      expect(await history(ana)).toEqual([]);
    });

    it('lets nobody take back what is another’s, before it is told or after, or put a mark over theirs', async () => {
      const [ana, eve] = [someone(), someone()];
      const [first, second] = [played(ana, T), played(ana, T + 5)];
      const listen = heard(ana, [[T, T + 2 * MIN]], { listenId: first.activityId });
      await log().append([removal(eve, first.activityId)]);
      await log().append([removal(eve, second.activityId), first, listen, second]);
      expect(await history(ana)).toEqual([pastOf(second), pastOf(first)]);
      expect(await listens(ana)).toHaveLength(1);
      await log().append([removal(ana, first.activityId), removal(eve, first.activityId)]);
      await log().append([{ ...first, version: T + 99 }, listen]);
      expect(await history(ana)).toEqual([pastOf(second)]);
      expect(await listens(ana)).toEqual([]);
      expect(await history(eve)).toEqual([]);
    });

    it('counts by track, artist and day, in the order that is asked for', async () => {
      const ana = someone();
      const whole = (at: number, track: ActivityTrack) =>
        heard(ana, [[at, at + 2 * MIN]], { track });
      const day = 24 * 60 * MIN;
      await log().append([
        whole(T, song('A', 'Ana')),
        whole(T + day, song('a', 'ANA')),
        whole(T + day + 1, song('B', 'Ana')),
        whole(T + 2 * day, { ...song('C', 'Ben'), trackId: 'c' as never }),
        heard(ana, [[T, T + 1]], { track: song('never') }),
      ]);
      const by = async (kind: 'track' | 'artist' | 'day', more = {}) =>
        (await log().counts(ana, { ...everyone, by: kind, ...more })).map(
          ({ key, listens: n, heardMs }) => [key, n, heardMs],
        );
      expect(await by('track')).toEqual([
        ['a', 2, 4 * MIN],
        ['B', 1, 2 * MIN],
        ['C', 1, 2 * MIN],
      ]);
      expect(await by('artist')).toEqual([
        ['Ana', 3, 6 * MIN],
        ['Ben', 1, 2 * MIN],
      ]);
      expect(await by('artist', { limit: 1 })).toHaveLength(1);
      expect(await by('day')).toEqual([
        ['2026-11-26', 1, 2 * MIN],
        ['2026-11-25', 2, 4 * MIN],
        ['2026-11-24', 1, 2 * MIN],
      ]);
      // Noon in London is the next day on Kiritimati.
      expect((await by('day', { timeZone: 'Pacific/Kiritimati' }))[0]?.[0]).toBe('2026-11-27');
      expect(await by('day', { from: T, to: T + day })).toEqual([['2026-11-24', 1, 2 * MIN]]);
      expect(await log().counts(ana, { ...everyone, by: 'track', limit: 1 })).toMatchObject([
        { track: { title: 'a', artist: 'ANA' } },
      ]);
      await expect(
        log().counts(ana, { ...everyone, by: 'day', timeZone: 'Mars/Crater' }),
      ).rejects.toThrow(RangeError);
    });

    it('tells with whom, and how long: only time in which both heard the same play', async () => {
      const [ana, ben, cem] = [someone(), someone(), someone()];
      const [one, two] = [randomUUID(), randomUUID()];
      await log().append([
        heard(ana, [[T, T + MIN]], { playKey: one }),
        heard(ana, [[T + 5 * MIN, T + 7 * MIN]], { playKey: two }),
        heard(
          ben,
          [
            [T + 10_000, T + 30_000],
            [T + 40_000, T + 2 * MIN],
          ],
          { playKey: one },
        ),
        heard(ben, [[T + 6 * MIN, T + 9 * MIN]], { playKey: two }),
        heard(cem, [[T, T + 5_000]], { playKey: one }),
        heard(cem, [[T + MIN, T + 2 * MIN]], { playKey: `${one}x` }),
      ]);
      expect(await log().together(ana, ever)).toEqual([
        { userId: ben, heardMs: 100_000, plays: 2 },
        { userId: cem, heardMs: 5_000, plays: 1 },
      ]);
      expect(await log().together(ana, { ...ever, limit: 1 })).toHaveLength(1);
      expect(await log().together(ana, { from: T + MIN, to: T + 9 * MIN, limit: 9 })).toEqual([
        { userId: ben, heardMs: MIN, plays: 1 },
      ]);
    });

    it('takes in listens that were made elsewhere, each once', async () => {
      const ana = someone();
      const listen = { at: T, title: 'A', artist: 'Ana', durationMs: 2 * MIN };
      const other = { at: T + 1, title: 'B', artist: 'Ben', album: 'Best' };
      const take = (...made: readonly ImportedListen[]) =>
        log().importListens(
          made.map((each) => importedEntry(ana, each, idOf)),
          T + 2,
        );
      expect(await take(listen, other, listen)).toBe(2);
      expect(await take(other)).toBe(0);
      expect((await listens(ana)).map(({ track }) => track)).toEqual([
        { title: 'B', artist: 'Ben', album: 'Best', durationMs: 210_000, hasCover: false },
        { title: 'A', artist: 'Ana', durationMs: 2 * MIN, hasCover: false },
      ]);
      expect(await history(ana)).toEqual([]);
      // What was exported from here is known by its id, and to its own person alone.
      const [known] = await listens(ana);
      const sameAs = known?.listenId ?? '';
      const back = { at: T + 700, title: 'B', artist: 'Ben', sameAs };
      expect(await take(back)).toBe(0);
      const eve = someone();
      expect(await log().importListens([importedEntry(eve, back, idOf)], T + 2)).toBe(1);
    });

    it('exports all of a person, private and short ones too, and nothing of others', async () => {
      const [ana, ben] = [someone(), someone()];
      const hidden = played(ana, T, { isPrivate: true });
      await log().append([
        hidden,
        played(ben, T),
        heard(ana, [[T, T + 10]]),
        heard(ben, [[T, T + 9]]),
      ]);
      const records: ExportedRecord[] = [];
      for await (const record of log().export(ana)) records.push(record);
      expect(records).toMatchObject([
        { kind: 'activity', ...pastOf(hidden) },
        { kind: 'listen', userId: ana, heardMs: 10 },
      ]);
      expect(records).toHaveLength(2);
    });

    it('forgets a person for good, also what is told of them afterwards', async () => {
      const [ana, ben] = [someone(), someone()];
      const [hers, his] = [played(ana, T), played(ben, T)];
      const listen = heard(ana, [[T, T + 2 * MIN]]);
      await log().append([hers, his, listen]);
      await log().erase(ana, T + 5 * MIN);
      await log().erase(ana, T + MIN);
      const late = { ...hers, version: T + 10 * MIN, endedAt: T + 10 * MIN };
      await log().append([
        late,
        listen,
        played(ana, T + 5),
        heard(ana, [[T + 4 * MIN, T + 9 * MIN]]),
      ]);
      await log().append([removal(ana, hers.activityId)]);
      const told = importedEntry(ana, { at: T, title: 'A', artist: 'Ana', durationMs: MIN }, idOf);
      await log().importListens([told], T + 4 * MIN);
      expect(await history(ana)).toEqual([]);
      expect(await listens(ana)).toEqual([]);
      expect(await history(ben)).toEqual([pastOf(his)]);
      for await (const record of log().export(ana)) expect.unreachable(record.kind);
    });

    it('keeps what a person does who was erased and has come back', async () => {
      const ana = someone();
      await log().append([played(ana, T)]);
      await log().erase(ana, T + MIN);
      const since = played(ana, T + 2 * MIN);
      await log().append([since, heard(ana, [[T + 2 * MIN, T + 5 * MIN]])]);
      const told = importedEntry(ana, { at: T, title: 'B', artist: 'Ben', durationMs: MIN }, idOf);
      expect(await log().importListens([told], T + 3 * MIN)).toBe(1);
      expect(await history(ana)).toEqual([pastOf(since)]);
      expect((await listens(ana)).map(({ track }) => track.title)).toEqual(['A', 'B']);
    });

    it('drops what is older than it is kept, in bites, and brings back nothing that was removed since', async () => {
      const [ana, ben] = [someone(), someone()];
      const LONG_AGO = 1_000;
      const removed = randomUUID();
      const old = [0, 1, 2].map((n) => played(n === 2 ? ben : ana, LONG_AGO + n));
      const kept = played(ana, T);
      await log().append([
        ...old,
        kept,
        heard(ana, [[LONG_AGO, LONG_AGO + 3 * MIN]]),
        heard(ana, [[T, T + 3 * MIN]]),
        removal(ana, removed),
      ]);
      expect(await log().prune(LONG_AGO + 100, 2)).toBe(3);
      expect(await log().prune(LONG_AGO + 100, 2)).toBe(1);
      expect(await log().prune(LONG_AGO + 100, 2)).toBe(0);
      expect(await history(ana)).toEqual([pastOf(kept)]);
      expect(await history(ben)).toEqual([]);
      expect((await listens(ana)).map(({ at }) => at)).toEqual([T]);
      await log().append([{ ...kept, activityId: removed }]);
      expect(await history(ana)).toEqual([pastOf(kept)]);
    });

    if (context.underTest.reopen !== undefined) {
      it('has each once, and whole, that was told again after it went in the middle of writes', async () => {
        const ana = someone();
        const entries = Array.from({ length: 60 }, (_, n) => {
          const activity = played(ana, T + n * MIN);
          const { activityId } = activity;
          const listen = heard(ana, [[activity.at, activity.at + 2 * MIN]], {
            listenId: activityId,
          });
          return { activityId, told: [activity, listen] };
        });
        const before = log();
        const told = entries.map((each) =>
          before.append(each.told).then(
            () => 'kept',
            () => 'not known',
          ),
        );
        await context.reopen();
        const outcomes = await Promise.all(told);
        const kept = new Set((await history(ana)).map(({ activityId }) => activityId));
        // What was acknowledged is there; of the rest, what is there is whole.
        entries.forEach(({ activityId }, n) => {
          if (outcomes[n] === 'kept') expect(kept).toContain(activityId);
        });
        await Promise.all(entries.map((each) => log().append(each.told)));
        expect(await history(ana)).toHaveLength(entries.length);
        expect((await listens(ana)).map(({ heardMs }) => heardMs)).toEqual(
          entries.map(() => 2 * MIN),
        );
      });
    }

    it('holds what is no statement to be a text', async () => {
      const ana = someone();
      const nasty = `'; drop table activity; -- {"$ne": null} \\u0000 \${1} ?`;
      const entry = played(ana, T, { track: song(nasty, '$where: 1'), roomName: '{"$gt": ""}' });
      await log().append([
        entry,
        heard(ana, [[T, T + 2 * MIN]], { track: song(nasty), playKey: nasty }),
      ]);
      expect(await history(ana)).toEqual([pastOf(entry)]);
      expect((await log().counts(ana, { ...everyone, by: 'track' }))[0]?.key).toBe(nasty);
    });
  });
}
