// A socket that writes down what a client is told of its rooms, as it arrives: before the SDK has read it, and whatever it makes of it.
import { WebSocket } from 'ws';
import type { RoomId } from '../../protocol/ids.ts';
import type { Revision } from '../../protocol/schemas/pushes.ts';
import { SOCKET_PATH } from '../../protocol/version.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import type { SocketConstructor } from '../../src/client/platform.ts';
import type { Sight } from './history.ts';

interface Told {
  readonly id?: number;
  readonly type: string;
  readonly roomId?: RoomId;
  readonly reason?: 'epoch' | 'behind';
  readonly epoch?: number;
  readonly revision?: number;
  readonly hash?: string;
  readonly room?: object;
  readonly revisions?: readonly Revision[];
  readonly snapshot?: Whole;
  readonly resumed?: { readonly epoch: number; readonly revisions: readonly Revision[] };
}

interface Whole {
  readonly epoch: number;
  readonly revision: number;
  readonly hash: string;
  readonly room: object;
}

type Since = Extract<Sight, { kind: 'resumed' }>['since'];

/** What one client was told, by room. */
export class SightBook {
  readonly sights = new Map<RoomId, Sight[]>();
  connections = 0;

  whole(
    roomId: RoomId,
    why: 'join' | 'epoch' | 'behind',
    { epoch, revision, hash, room }: Whole,
  ): void {
    const isProven = stateHash(room) === hash;
    this.#of(roomId).push({ kind: 'whole', why, epoch, revision, isProven });
  }

  resumed(roomId: RoomId, since: Since, epoch: number): void {
    this.#of(roomId).push({ kind: 'resumed', since, epoch });
  }

  revisions(roomId: RoomId, epoch: number, revisions: readonly Revision[]): void {
    const sights = this.#of(roomId);
    for (const { revision, event } of revisions)
      sights.push({ kind: 'revision', epoch, revision, eventId: event.id });
  }

  #of(roomId: RoomId): Sight[] {
    const known = this.sights.get(roomId);
    if (known !== undefined) return known;
    const sights: Sight[] = [];
    this.sights.set(roomId, sights);
    return sights;
  }
}

/** @param urlNow of the node that a balancer would choose for a connection that is opened now */
export function recordingSocket(book: SightBook, urlNow: () => string): SocketConstructor {
  return class RecordingSocket extends WebSocket {
    readonly #since = new Map<number, Since>();
    #isOver = false;

    constructor(_url: string, protocols: string[]) {
      super(urlNow().replace(/^http/, 'ws') + SOCKET_PATH, protocols, { handshakeTimeout: 5_000 });
      book.connections += 1;
      this.addEventListener('message', ({ data }) => {
        if (typeof data === 'string' && !this.#isOver) this.#record(JSON.parse(data) as Told);
      });
    }

    override send(data: string | Uint8Array<ArrayBuffer>): void {
      if (typeof data === 'string' && data.includes('"since"')) {
        const sent = JSON.parse(data) as { id: number; type: string; since?: Since };
        if (sent.type === 'room.join' && sent.since !== undefined)
          this.#since.set(sent.id, sent.since);
      }
      super.send(data);
    }

    // What comes after the client has let go of the socket is told to nobody.
    override close(code?: number, reason?: string): void {
      this.#isOver = true;
      super.close(code, reason);
    }

    #record(told: Told): void {
      const { roomId } = told;
      if (roomId === undefined) return;
      if (told.type === 'room.events') {
        book.revisions(roomId, told.epoch ?? 0, told.revisions ?? []);
      } else if (told.type === 'room.snapshot') {
        book.whole(roomId, told.reason ?? 'behind', told as Whole);
      } else if (told.type === 'ok' && told.snapshot !== undefined) {
        book.whole(roomId, 'join', told.snapshot);
      } else if (told.type === 'ok' && told.resumed !== undefined) {
        const since = this.#since.get(told.id ?? -1);
        if (since !== undefined) book.resumed(roomId, since, told.resumed.epoch);
        book.revisions(roomId, told.resumed.epoch, told.resumed.revisions);
      }
    }
  };
}
