// Owns which part of the SDK the page uses, as shapes, so that it can be shown over something else; must not know how any of it is done.
import type { RequestBody } from '../../protocol/schemas/requests.ts';
import type { RoomId } from '../../protocol/ids.ts';
import type { ClockStatus, ConnectionState, Observable } from '../client/client.ts';
import type { Player } from '../client/player.ts';
import type { EarshotApi } from '../client/rest.ts';
import type { Room } from '../client/room.ts';
import type { PageFeed, PagePeople } from './page-people.ts';

export type { ConnectionState, Observable } from '../client/client.ts';
export type { OutputDevice } from '../client/output-devices.ts';
export type { PlayerState } from '../client/player-state.ts';
export type { GuestGrant, RoomSummary, TrackSummary } from '../client/rest.ts';
export type { RoomView } from '../client/room.ts';

export type PageApi = Pick<
  EarshotApi,
  'createGuest' | 'rename' | 'tokenFor' | 'redeemLink' | 'tracks' | 'coverUrl' | 'publicRooms'
>;

export type PageClock = Pick<ClockStatus, 'maxErrorMs' | 'rttMinMs'>;

/** The way into a room: by what an address or a typed code has, or by a friend who is in it. */
export type RoomTarget = CodeTarget | FriendTarget;
export interface CodeTarget {
  readonly code: string;
  readonly invite?: string;
  readonly roomId?: never;
}
export interface FriendTarget {
  readonly roomId: RoomId;
  readonly code?: never;
}

export interface PageClient {
  readonly connection: Observable<ConnectionState>;
  readonly clock: {
    readonly status: Observable<PageClock>;
    /** Hub time, ms; undefined while it is not known. */
    now(): number | undefined;
  };
  /** Absent where the SDK offers none: the page then shows no friends. */
  readonly feed?: PageFeed;
  connect(): Promise<void>;
  close(): void;
  createRoom(body: RequestBody<'room.create'>): Promise<PageRoom>;
  joinRoom(target: RoomTarget): Promise<PageRoom>;
  /** Asks to be let in; `waiting` until somebody answers. */
  request(
    type: 'room.knock',
    body: RequestBody<'room.knock'>,
  ): Promise<{ readonly roomId: RoomId; readonly status: 'waiting' | 'admitted' }>;
  onAdmitted(
    listener: (answer: { readonly roomId: RoomId; readonly accept: boolean }) => void,
  ): () => void;
}

/** What a player tells a room is none of the page's business. */
export type PageRoom = Omit<Room, 'ready' | 'reportSync'>;

export type PagePlayer = Omit<Player, 'outputNode' | 'onCorrection'>;

export interface PageSdk {
  /** @param token read anew for each call that needs one */
  api(token: () => string | undefined): PageApi;
  /** Absent where the SDK offers none. */
  people?(token: () => string | undefined): PagePeople;
  client(token: () => string | Promise<string>): PageClient;
  player(client: PageClient, room: PageRoom): PagePlayer;
  /** The refusal's code where `error` is one of the SDK's. */
  codeOf(error: unknown): string | undefined;
}
