// What a node holds of a room's newest appends: also the requests, of which it has only read.
import { describe, expect, it } from 'vitest';
import { RecentAppends } from '../../src/hub/room/recent-appends.ts';
import { RoomScript } from '../support/room-fixtures.ts';

describe('recent appends', () => {
  it('hold the requests of what was committed here and of what was loaded, each with the last event of its append', () => {
    const room = new RoomScript();
    const [a, b, c] = [room.renamed('A'), room.renamed('B'), room.renamed('C')];
    const loaded = [{ key: 'loaded', reply: { n: 1 } }];
    const own = [{ key: 'own', reply: { n: 2 } }];
    const recent = new RecentAppends();
    recent.addLoaded([{ epoch: 1, revision: 1, event: a, keys: loaded }]);
    recent.add({ epoch: 1, revision: 3, eventId: c.id }, [b, c], own);
    expect(recent.held()).toEqual({
      recent: [
        { epoch: 1, revision: 1, event: a, keys: loaded },
        { epoch: 1, revision: 2, event: b },
        { epoch: 1, revision: 3, event: c, keys: own },
      ],
      keys: [...loaded, ...own],
    });
  });
});
