// A process that appends until it is killed, and says on stdout what has been acknowledged to it.
import { openEmbeddedStores } from '../../src/adapters/postgres/open-postgres-stores.ts';
import { createdRoom } from './room-fixtures.ts';
import { SILENT } from './postgres-stores.ts';

const [, , dataDir = ''] = process.argv;
const { roomLog, chatLog } = await openEmbeddedStores({ dataDir, log: SILENT });
const rooms = await Promise.all(Array.from({ length: 5 }, () => createdRoom(roomLog)));
await Promise.all(
  rooms.map(async (room) => {
    for (let i = 0; ; i += 1) {
      const event = room.renamed(`name ${i}`);
      const result = await room.append(roomLog, [event], [{ key: `k${i}`, reply: { i } }]);
      const { item } = await chatLog.append(
        room.roomId,
        { kind: 'message', userId: room.hostId, name: 'Hana', text: `text ${i}` },
        room.at,
      );
      if (result.kind !== 'committed') throw new Error(result.kind);
      process.stdout.write(`${room.roomId} ${room.head.revision} ${event.id} ${item.seq}\n`);
    }
  }),
);
