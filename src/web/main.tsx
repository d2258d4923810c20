// Owns the start of the page: the SDK of this very hub, and the page over it.
import { EarshotClient } from '../client/client.ts';
import { EarshotError } from '../client/errors.ts';
import { Player } from '../client/player.ts';
import { EarshotApi } from '../client/rest.ts';
import { Room } from '../client/room.ts';
import { browserDeviceMemory } from './device-memory.ts';
import { mountPage } from './page.tsx';

const root = document.getElementById('app');
if (root === null) throw new Error('index.html has no #app');
const url = location.origin;
mountPage(root, {
  api: (token) => new EarshotApi({ url, token }),
  people: (token) => {
    const { people: friends, listening } = new EarshotApi({ url, token });
    return { friends, listening };
  },
  client: (token) =>
    new EarshotClient({ url, token, client: { name: 'earshot-web', version: '1' } }),
  player: (client, room) => {
    // The page holds both by the little that it needs; a player needs the whole.
    if (!(client instanceof EarshotClient && room instanceof Room)) {
      throw new TypeError('a player plays a room of this SDK');
    }
    return new Player({ client, room, devices: browserDeviceMemory() });
  },
  codeOf: (error) => (error instanceof EarshotError ? error.code : undefined),
});
