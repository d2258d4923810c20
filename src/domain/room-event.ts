// The events of a room's log. They are the public ones, some with a part that the members are not told (`publicEvent` takes it off).
import type { HubMs, InviteCode, RoomId, UserId } from '../../protocol/ids.ts';
import type { PublicEvent, RoomEventType, DepartureReason } from '../../protocol/schemas/events.ts';
import type { Role } from '../../protocol/schemas/room.ts';

interface PrivateParts {
  RoomCreated: { readonly roomId: RoomId };
  MembersArrived: {
    /** All of them; the public event names the first `MAX_NAMED`. */
    readonly members: readonly {
      readonly userId: UserId;
      readonly name: string;
      /** Present when this arrival lets them in for good, by an invite or as a friend of a member. */
      readonly admitted?: true;
      readonly role?: Exclude<Role, 'host'>;
      readonly invite?: InviteCode;
    }[];
  };
  MembersDeparted: {
    readonly members: readonly {
      readonly userId: UserId;
      readonly name: string;
      readonly reason: DepartureReason;
    }[];
  };
  InviteCreated: {
    readonly code: InviteCode;
    readonly role: Exclude<Role, 'host'>;
    readonly uses?: number;
    readonly expiresAt?: HubMs;
  };
  InviteUsed: { readonly code: InviteCode; readonly userId: UserId };
  InviteRevoked: { readonly code: InviteCode };
  KnockReceived: { readonly userId: UserId; readonly name: string };
  KnockAnswered: { readonly userId: UserId };
  /** Which of the room's undo steps was taken back, by its place in `RoomState.undo`. */
  QueueUndone: { readonly step: number };
}

type Full<T extends RoomEventType> = T extends keyof PrivateParts
  ? Omit<PublicEvent<T>, keyof PrivateParts[T]> & PrivateParts[T]
  : PublicEvent<T>;

/** One event of a room's log, by its type. */
export type RoomEvent<T extends RoomEventType = RoomEventType> = {
  [K in RoomEventType]: Full<K>;
}[T];
