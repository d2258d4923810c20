// The servers of the benches: Earshot's own hub on both transports, and what others would build on (peers.ts).
import { systemRandom } from '../src/adapters/system/system-random.ts';
import type { LiveRoom } from '../src/hub/room/live-room.ts';
import type { UserId } from '../protocol/ids.ts';
import { createMemoryHub, listenFor } from './memory-hub.ts';
import { MESSAGE_TEXT } from './news.ts';
import { startPeer } from './peers.ts';
import type { Subject, SubjectName, SubjectOptions } from './subject.ts';

const OWNER = '00000000-0000-4000-8000-000000000001' as UserId;

export function startSubject(name: SubjectName, options: SubjectOptions): Promise<Subject> {
  switch (name) {
    case 'earshot-uws':
      return startEarshot('uws', options);
    case 'earshot-ws':
      return startEarshot('ws', options);
    case 'uws-publish':
    case 'uws-send':
    case 'ws':
    case 'socket.io':
      return startPeer(name, options);
  }
}

/** A chat message on its whole way, from the log in memory to the sockets. */
async function startEarshot(
  transport: 'uws' | 'ws',
  { rooms: roomCount, gatherMs }: SubjectOptions,
): Promise<Subject> {
  const hub = createMemoryHub(undefined, {}, gatherMs === undefined ? {} : { gatherMs });
  const rooms: LiveRoom[] = [];
  for (let n = 0; n < roomCount; n += 1) {
    const room = await hub.rooms.create(
      { id: OWNER, name: 'Owner', guest: true },
      { name: `Room ${n}` },
      systemRandom.roomId(),
      { userId: OWNER, address: 'here' },
    );
    if ('code' in room) throw new Error(room.message);
    rooms.push(room);
  }
  return {
    port: await listenFor(hub, transport),
    rooms: rooms.map((room) => room.id),
    publish: (index) => void rooms[index]?.chat.send(OWNER, 'Owner', MESSAGE_TEXT),
  };
}
