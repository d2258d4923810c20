// What a handler is given and what it gives back. Handlers decide nothing about sockets: one place performs their answers.
import type { UserId } from '../../../protocol/ids.ts';
import { refuse, type Refusal } from '../../../protocol/errors.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { RequestOf, RequestType } from '../../../protocol/schemas/requests.ts';
import type { RoomId } from '../../../protocol/ids.ts';
import type { Span } from '../../ports/tracer.ts';
import type { Connection, Membership } from '../connection.ts';
import type { HubFeed } from '../hub-feed.ts';
import type { HubMetrics } from '../hub-metrics.ts';
import type { HubOptions } from '../hub-options.ts';
import type { HubPorts } from '../hub-ports.ts';
import type { LiveRoom } from '../room/live-room.ts';
import type { Rooms } from '../room/rooms.ts';

export interface HandlerContext {
  readonly ports: HubPorts;
  readonly options: HubOptions;
  readonly metrics: HubMetrics;
  readonly rooms: Rooms;
  /** Undefined where nobody is told what people listen to. */
  readonly feed: HubFeed | undefined;
  readonly connection: Connection;
  readonly user: User;
  /** Of this request, where it is traced. */
  readonly span: Span | undefined;
}

/** `members` are those of the `ok` as JSON text, without braces. */
export type Answer =
  | { readonly kind: 'ok'; readonly members: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type Handler<T extends RequestType> = (
  request: RequestOf<T>,
  context: HandlerContext,
) => Answer | Promise<Answer>;

/** The requests of an active connection. `hello` and `auth.refresh` are the session's own. */
export type HandledType = Exclude<RequestType, 'hello' | 'auth.refresh'>;
export type HandlerTable = { readonly [T in HandledType]: Handler<T> };

const NOTHING: Answer = { kind: 'ok', members: '' };

export function ok(body?: object): Answer {
  return body === undefined ? NOTHING : { kind: 'ok', members: JSON.stringify(body).slice(1, -1) };
}

export function refused(...args: Parameters<typeof refuse>): Answer {
  return { kind: 'refused', refusal: refuse(...args) };
}

/** A key means the same request only for the same person. */
export function scopedKey(userId: UserId, key: string | undefined): string | undefined {
  return key === undefined ? undefined : `${userId}:${key}`;
}

/** The room and the membership that a request of a member needs; a refusal where the connection has not joined. */
export function joined(
  context: HandlerContext,
  roomId: RoomId,
): { readonly room: LiveRoom; readonly membership: Membership } | undefined {
  const membership = context.connection.membershipIn(roomId);
  const room = membership === undefined ? undefined : context.rooms.get(roomId);
  return membership === undefined || room === undefined ? undefined : { room, membership };
}

export const NOT_IN_ROOM: Answer = refused(
  'not_in_room',
  'join the room first, on this connection',
);
