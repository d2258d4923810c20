// A rooms' log in memory that keeps what its outbox would hold, for tests of the archive.
import { MemoryArchive } from '../../src/adapters/memory/memory-archive.ts';
import { MemoryRoomLog } from '../../src/adapters/memory/memory-room-log.ts';
import type { ArchiveEntry } from '../../src/ports/archive-writer.ts';
import type { RoomLog } from '../../src/ports/room-log.ts';

export class ToldLog extends MemoryRoomLog {
  readonly entries: ArchiveEntry[] = [];

  constructor() {
    super(new MemoryArchive());
  }

  override async append(...args: Parameters<RoomLog['append']>): ReturnType<RoomLog['append']> {
    const result = await super.append(...args);
    const [roomId, from, events] = args;
    if (result.kind === 'committed') {
      this.entries.push({ kind: 'append', roomId, from, head: result.head, events });
    }
    return result;
  }

  /** What was told since the last time. */
  take(): ArchiveEntry[] {
    return this.entries.splice(0);
  }
}
