// A room's log in Redis and what is told of it: kept, so that a node of another version still finds the room.
import { expect, it } from 'vitest';
import type { RoomLog, ToldAppend } from '../../../src/ports/room-log.ts';
import { testKept, type Example } from './kept-words.ts';
import { ANA, BO, ROOM, describeWords, grown, type KeptKey, type Words } from './words-place.ts';
import { CODE, KEY, appendAll, held, loseAndRestore } from './words-room.ts';

type Reading = 'load' | 'read' | 'heads' | 'recall' | 'findByCode' | 'inhabited' | 'subscribe';
type Writing = Exclude<keyof RoomLog, Reading>;

await describeWords('the log of a room', (place) => {
  async function read(words: Words): Promise<object> {
    const told: ToldAppend[] = [];
    const { roomLog } = await place.heard(words, (node) => {
      node.roomLog.subscribe((roomId, each) => {
        if (roomId === ROOM) told.push(each);
      });
    });
    const loaded = await roomLog.load(ROOM);
    const { epoch, revision } = loaded?.head ?? { epoch: 1, revision: 0 };
    const since = { epoch, revision: Math.max(0, revision - 2) };
    return {
      ...{ told, loaded },
      heads: await roomLog.heads([ROOM]),
      since: await roomLog.read(ROOM, since),
      asked: (await roomLog.recall(ROOM, KEY)) ?? null,
      found: (await roomLog.findByCode(CODE)) ?? null,
      inhabited: await roomLog.inhabited(),
    };
  }
  const example = (write: (log: RoomLog) => Promise<void>): Example<Words> => ({
    write: () => place.written(({ roomLog }) => write(roomLog)),
    read,
  });

  const examples: { readonly [W in Writing]: Example<Words> } = {
    append: example(appendAll),
    restore: example(loseAndRestore),
    forget: example(async (log) => {
      await appendAll(log);
      await log.forget(ROOM, BO, ANA);
    }),
    heartbeat: example(async (log) => {
      await appendAll(log);
      await log.heartbeat(1_000_020);
    }),
  };
  const restoredWhole = example(async (log) => {
    await log.restore(ROOM, held());
  });

  const newest = testKept('room-log', { ...examples, 'restore of all': restoredWhole });

  it.each(Object.keys(examples))('may have more members and fields: %s', async (name) => {
    const words = newest(name);
    const known = await read(words);
    expect(await read(grown(words, false))).toMatchObject(known);
    expect(place.complaints).toEqual([]);
  });

  it('may have a field in place of the requests, where there are none', async () => {
    const words = newest('append');
    const later = (kept: KeptKey): KeptKey =>
      'stream' in kept && kept.stream[0]?.[1][0] === 'e'
        ? { stream: kept.stream.map(([id, [e = '', json = '']]) => [id, [e, json, 'l', 'x']]) }
        : kept;
    const keys = Object.fromEntries(
      Object.entries(words.keys).map(([n, kept]) => [n, later(kept)]),
    );
    const { roomLog } = await place.heard({ keys, told: [] }, () => undefined);
    expect((await roomLog.load(ROOM))?.recent).toHaveLength(3);
    const found = await roomLog.read(ROOM, { epoch: 1, revision: 1 });
    expect(found).toMatchObject({ kind: 'events', events: { length: 2 } });
    // Reads all of it.
    await roomLog.restore(ROOM, held());
    await roomLog.forget(ROOM, BO, ANA);
    expect((await roomLog.load(ROOM))?.head.epoch).toBeGreaterThan(1);
    expect(place.complaints).toEqual([]);
  });

  it('may have events that a newer version knows, which change nothing', async () => {
    const words = newest('append');
    const renamed = (text: string): string =>
      text.replaceAll('"type":"RoomUpdated"', '"type":"LaterUpdated"');
    const all = JSON.parse(
      renamed(JSON.stringify(words)).replaceAll(
        String.raw`\"type\":\"RoomUpdated\"`,
        String.raw`\"type\":\"LaterUpdated\"`,
      ),
    ) as Words;
    const found = await read(all);
    expect(found).toMatchObject({
      told: [{}, { events: [{}, { type: 'LaterUpdated' }] }],
      loaded: { head: { revision: 3 }, state: { public: { name: 'Kitchen' } } },
      since: { events: [{}, { type: 'LaterUpdated' }] },
    });
    expect(place.complaints).toEqual([]);
  });
});
