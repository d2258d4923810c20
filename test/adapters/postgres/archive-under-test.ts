// An archive in a real Postgres for tests of what writes it: how it is told, and what it holds then.
import { afterAll, beforeAll, expect } from 'vitest';
import type { ChatItem } from '../../../protocol/schemas/pushes.ts';
import {
  openPostgresStores,
  type PostgresStores,
} from '../../../src/adapters/postgres/open-postgres-stores.ts';
import { createOrm, type Orm } from '../../../src/adapters/postgres/orm.ts';
import { Sql } from '../../../src/adapters/postgres/sql.ts';
import { createPromMetrics } from '../../../src/adapters/system/prom-metrics.ts';
import type { ArchiveEntry, ArchiveWriter } from '../../../src/ports/archive-writer.ts';
import type { RoomLog } from '../../../src/ports/room-log.ts';
import { ANA } from '../../support/gathering.ts';
import type { PostgresServer } from '../../support/postgres-server.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import type { RoomScript } from '../../support/room-fixtures.ts';

type Live = Pick<RoomLog, 'load' | 'read'>;

/** A live log that has nothing to add to what it has told. */
export const NOTHING: Live = {
  load: () => Promise.resolve(undefined),
  read: () => Promise.resolve({ kind: 'gone' }),
};

/** Opened before the tests of the file and closed after them, with the server. */
export class ArchiveUnderTest {
  #stores: PostgresStores | undefined;
  #orm: Orm | undefined;

  constructor(server: PostgresServer) {
    beforeAll(async () => {
      const target = { clientUrl: await server.createDatabase(), poolSize: 4 };
      this.#stores = await openPostgresStores({ target, migrate: true, log: SILENT });
      this.#orm = await createOrm(target, () => undefined);
    });
    afterAll(async () => {
      await this.#orm?.close(true);
      await this.#stores?.stop();
      await server.stop();
    });
  }

  get stores(): PostgresStores {
    return this.#stores!;
  }

  get sql(): Sql {
    return new Sql(this.#orm!);
  }

  archiver(live: Live = NOTHING): ArchiveWriter {
    return this.stores.createArchiver({ live, metrics: createPromMetrics(), log: SILENT });
  }

  /** All that is kept of a room, the rows' own ids aside. */
  async rowsOf(roomId: string): Promise<Record<Kept, object[]>> {
    const { sql } = this;
    return {
      room: await sql.rows('select * from room where id = ?', [roomId]),
      events: await sql.rows(
        'select epoch, revision, event_id from room_event where room_id = ? order by epoch, revision',
        [roomId],
      ),
      sessions: await sql.rows('select * from session where room_id = ? order by started_at', [
        roomId,
      ]),
      stays: await sql.rows(
        `select p.session_id, user_id, arrived_at, departed_at, event_id from participation p
       join session s on s.id = p.session_id where s.room_id = ? order by arrived_at, user_id`,
        [roomId],
      ),
      plays: await sql.rows(
        `select p.session_id, entry_id, title, p.started_at, p.ended_at from play p
       join session s on s.id = p.session_id where s.room_id = ? order by p.started_at`,
        [roomId],
      ),
      chat: await sql.rows(
        'select seq, at, kind, user_id, text, deleted from chat_item where room_id = ? order by seq',
        [roomId],
      ),
    };
  }
}

type Kept = 'room' | 'events' | 'sessions' | 'stays' | 'plays' | 'chat';

export async function archived(
  writer: ArchiveWriter,
  entries: readonly ArchiveEntry[],
): Promise<void> {
  expect(await writer.apply(entries)).toEqual(entries.map(() => undefined));
}

export function says(room: RoomScript, seq: number, text: string): ArchiveEntry {
  const item: ChatItem = { kind: 'message', seq, at: room.at, ...ANA, text };
  return { kind: 'chat', roomId: room.roomId, item };
}

export function deletes(room: RoomScript, seq: number, target: number): ArchiveEntry {
  const item: ChatItem = { kind: 'deletion', seq, at: room.at, by: ANA.userId, target };
  return { kind: 'chat', roomId: room.roomId, item };
}
