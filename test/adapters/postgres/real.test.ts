// The contracts of the stores, on a real Postgres, and what happens when it goes away.
import { describe, expect, it } from 'vitest';
import { openPostgresStores } from '../../../src/adapters/postgres/open-postgres-stores.ts';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';
import { createdRoom, someUserId } from '../../support/room-fixtures.ts';
import { SILENT, postgresStores } from '../../support/postgres-stores.ts';
import { startPostgresServer } from '../../support/postgres-server.ts';
import { storeContracts } from './contracts.ts';

const server = await startPostgresServer();

describe.skipIf(server === undefined)('real Postgres', () => {
  if (server === undefined) return;
  const context = storeContracts(postgresStores(server));

  const { process: running } = server;
  it.skipIf(running === undefined)(
    'is unavailable while the server is away, and goes on when it is back',
    async () => {
      const clientUrl = await server.createDatabase();
      const target = { clientUrl, poolSize: 2 };
      const stores = await openPostgresStores({ target, migrate: true, log: SILENT });
      const room = await createdRoom(stores.roomLog);
      await running?.stop();
      await expect(room.append(stores.roomLog, [room.renamed('A')])).rejects.toThrow(
        StoreUnavailable,
      );
      await expect(stores.chatLog.find(room.roomId, 1)).rejects.toThrow(StoreUnavailable);
      await expect(stores.users.createGuest('Ana')).rejects.toThrow(StoreUnavailable);
      await expect(
        stores.friends.request(room.hostId, someUserId(), 1),
        'in a transaction',
      ).rejects.toThrow(StoreUnavailable);
      await expect(stores.friends.grantsFor(room.hostId)).rejects.toThrow(StoreUnavailable);
      await expect(stores.accounts.exchange('esd_', 1)).rejects.toThrow(StoreUnavailable);
      await expect(openPostgresStores({ target, migrate: true, log: SILENT })).rejects.toThrow(
        StoreUnavailable,
      );
      await running?.start();
      // The back-off decides when it is tried again: asked until then.
      await expect
        .poll(() => stores.roomLog.load(room.roomId).catch(() => undefined), { timeout: 15_000 })
        .toEqual({ head: room.head, state: room.state });
      expect((await room.append(stores.roomLog, [room.renamed('B')])).kind).toBe('committed');
      await stores.stop();
      // The stores of the other tests have lost their connections with it.
      await expect
        .poll(
          () =>
            context
              .stores()
              .roomLog.inhabited()
              .catch(() => undefined),
          { timeout: 15_000 },
        )
        .toBeDefined();
    },
  );
});
