// What nodes tell each other of a room over the bus: kept, so that a node of another version still understands it.
import { expect, it } from 'vitest';
import type { EntryId } from '../../../protocol/ids.ts';
import type { BusMessage } from '../../../src/ports/bus.ts';
import { testKept, type Example } from './kept-words.ts';
import { ANA, BO, ROOM, describeWords, grown, type Words } from './words-place.ts';

const MESSAGES: { readonly [T in BusMessage['type']]: Extract<BusMessage, { type: T }> } = {
  reactions: { type: 'reactions', counts: { '🎉': 2, '❤️': 1 }, from: [ANA, BO] },
  members: {
    type: 'members',
    ready: { ['e1' as EntryId]: 2 },
    reports: [{ userId: ANA, errorMs: -1.5, rttMs: 20, outputLatencyMs: 12, state: 'following' }],
    reporting: 2,
  },
};

await describeWords('the bus', (place) => {
  async function heardOf(words: Words): Promise<unknown[]> {
    const heard: unknown[] = [];
    await place.heard(words, ({ bus }) => {
      bus.subscribe((roomId, node, message) => heard.push({ roomId, node, message }));
    });
    return heard;
  }

  const examples = Object.fromEntries(
    Object.entries(MESSAGES).map(([type, message]): [string, Example<Words>] => [
      type,
      {
        write: () =>
          place.written(({ bus }) => {
            bus.publish(ROOM, message);
            return Promise.resolve();
          }),
        read: heardOf,
      },
    ]),
  );

  const newest = testKept('bus', examples);

  it.each(Object.entries(MESSAGES))('may have more members: %s', async (type, message) => {
    const heard = await heardOf(grown(newest(type), false));
    expect(heard).toMatchObject([{ roomId: ROOM, node: 'east', message }]);
    expect(place.complaints).toEqual([]);
  });

  it('has messages and kinds that a newer version knows, which are passed over', async () => {
    const { told } = newest('reactions');
    const channel = place.keys.channel(place.keys.partitionOf(ROOM));
    const tell = (kind: string, rest: string): Words['told'][number] => [
      channel,
      `1\n${kind}\neast\n${ROOM}\n${rest}`,
    ];
    const newer: Words['told'] = [
      tell('b', '{"type":"later","counts":{"🎉":1}}'),
      // A name that every object has.
      tell('b', '{"type":"constructor"}'),
      tell('b', '{"kind":"later"}'),
      tell('z', 'later\nlater'),
      [channel, 'later'],
    ];
    const heard = await heardOf({ keys: {}, told: [...newer, ...told] });
    expect(heard).toMatchObject([{ message: MESSAGES.reactions }]);
    expect(place.complaints).toEqual([]);
  });
});
