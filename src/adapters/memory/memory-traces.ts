// What the rooms' record in memory holds of a person.
import type { RoomId, UserId } from '../../../protocol/ids.ts';
import type { RoomTrace, Traces } from '../../ports/traces.ts';
import type { MemoryArchive } from './memory-archive.ts';
import type { MemoryChatLog } from './memory-chat-log.ts';
import type { MemoryRoomLog } from './memory-room-log.ts';

export class MemoryTraces implements Traces {
  readonly #archive: MemoryArchive;
  readonly #roomLog: MemoryRoomLog;
  readonly #chatLog: MemoryChatLog;

  constructor(archive: MemoryArchive, roomLog: MemoryRoomLog, chatLog: MemoryChatLog) {
    this.#archive = archive;
    this.#roomLog = roomLog;
    this.#chatLog = chatLog;
  }

  roomsOf(userId: UserId): Promise<readonly RoomId[]> {
    const rooms = [this.#archive, this.#roomLog, this.#chatLog].flatMap((kept) =>
      kept.roomsOf(userId),
    );
    return Promise.resolve([...new Set(rooms)]);
  }

  async *export(userId: UserId): AsyncIterable<RoomTrace> {
    yield* await Promise.resolve(this.#archive.staysOf(userId));
    yield* this.#chatLog.messagesOf(userId);
    yield* this.#roomLog.actsOf(userId);
  }

  erase(roomId: RoomId, userId: UserId, as: UserId): Promise<void> {
    this.#archive.forget(roomId, userId, as);
    return Promise.resolve();
  }
}
