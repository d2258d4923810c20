// One socket's life at the hub: who it is, the memberships that tie it to rooms, and the frames that leave at the end of the tick.
import type { ConnectionId, RoomId, UserId } from '../../protocol/ids.ts';
import type { CloseReason } from '../../protocol/close-codes.ts';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import type { User } from '../../protocol/schemas/pushes.ts';
import type { SyncState } from '../../protocol/schemas/requests.ts';
import type { TokenBucket } from '../domain/rate-limit.ts';
import type { TokenTerms } from '../ports/authenticator.ts';
import type { Frame, Socket } from '../ports/sockets.ts';

/** What a connection is, and the fields that exist only then. */
export type Session =
  | { readonly phase: 'greeting'; readonly cancelTimeout: () => void }
  | { readonly phase: 'authenticating'; readonly cancelTimeout: () => void }
  | {
      readonly phase: 'active';
      readonly user: User;
      /** Of the newest token. */
      terms: TokenTerms;
      /** Whether the people's store has had them, at the hello or a refresh; it may have been away. */
      isStored: boolean;
      expiresAt: number;
      warned: boolean;
    }
  | { readonly phase: 'closed' };

const CLOSED: Session = { phase: 'closed' };

/** A member's last word on how well in step they are. */
export interface SyncReport {
  readonly errorMs: number;
  readonly rttMs: number;
  readonly outputLatencyMs: number;
  readonly state: SyncState;
}

/** The tie between one connection and one room. */
export interface Membership {
  readonly roomId: RoomId;
  readonly userId: UserId;
  /** As it was at the hello. */
  readonly name: string;
  readonly connection: Connection;
  /** Grows with each join of the room: a late close of an older socket is told apart by it. */
  readonly generation: number;
  /** While the connection is behind this stays true until a snapshot of this room was sent. */
  owesSnapshot: boolean;
  report: SyncReport | undefined;
  /** Entries whose start this member has buffered; a few at most. */
  ready: readonly string[];
}

export class Connection {
  readonly id: ConnectionId;
  readonly socket: Socket;
  /** Of the client, as far as a proxy tells it. */
  readonly address: string;
  session: Session;
  /** Few: an array is smaller than a map, and found as quickly. */
  readonly memberships: Membership[] = [];
  /** Above the soft mark: room frames are withheld until it drains. */
  isBehind = false;
  /** What leaves at the end of the tick: nothing, one frame, or several in order. */
  pending: Frame | Frame[] | undefined = undefined;
  requests: TokenBucket | undefined = undefined;
  probes: TokenBucket | undefined = undefined;
  /** Within the window that began at `rateRefusedSince`, hub time. */
  rateRefusals = 0;
  rateRefusedSince = 0;
  /** Their maker joins them once they are made: they count against the limit before. */
  roomsBeingMade = 0;

  constructor(id: ConnectionId, socket: Socket, address: string, session: Session) {
    this.id = id;
    this.socket = socket;
    this.address = address;
    this.session = session;
  }

  membershipIn(roomId: RoomId): Membership | undefined {
    return this.memberships.find((membership) => membership.roomId === roomId);
  }

  /** Marks it closed and gives back the session that was. */
  end(): Session {
    const session = this.session;
    this.session = CLOSED;
    if (session.phase === 'greeting' || session.phase === 'authenticating') session.cancelTimeout();
    return session;
  }

  /** The transport cuts a reason to what a close frame carries. */
  close(reason: CloseReason, message = ''): void {
    this.socket.close(CLOSE_CODES[reason], message === '' ? reason : `${reason}: ${message}`);
  }
}
