// Owns what an application does with a room: watch it and send commands. How the copy is kept is the replica's.
import type { EntryId, RoomId, TrackId, UserId } from '../../protocol/ids.ts';
import type { PublicEvent } from '../../protocol/schemas/events.ts';
import { anchorAt, positionAt, type Anchor, type Repeat } from '../../protocol/schemas/playback.ts';
import type { RequestBody, RequestOf, RequestType } from '../../protocol/schemas/requests.ts';
import type { Role } from '../../protocol/schemas/room.ts';
import { headEntryId } from '../../protocol/timeline-head.ts';
import type { ClientClock } from './client-clock.ts';
import { EarshotError } from './errors.ts';
import type { Observable } from './observable.ts';
import { connectionLost, type ReplyOf, type RequestOptions } from './request-book.ts';
import { isKeyed } from './request-keys.ts';
import type { RoomReplica } from './room-replica.ts';
import type { RoomView } from './room-store.ts';

export type { LeftReason, RoomSync, RoomView } from './room-store.ts';

/** The requests that are about a room which was joined. */
export type RoomRequestType = {
  [T in RequestType]: RequestOf<T> extends { readonly roomId: string } ? T : never;
}[RequestType];
type RoomBody<T extends RoomRequestType> = Omit<RequestBody<T>, 'roomId' | 'key'>;
export type RoomChange = RoomBody<'room.update'>;
export type InviteOptions = RoomBody<'room.invite'>;
export type ReadinessReport = RoomBody<'ready'>;
export type SyncReport = RoomBody<'sync.report'>;

export interface RoomParts {
  readonly replica: RoomReplica;
  readonly clock: ClientClock;
  readonly userId: UserId;
  readonly request: <T extends RequestType>(
    type: T,
    body: RequestBody<T>,
    options?: RequestOptions,
  ) => Promise<ReplyOf<T>>;
}

/**
 * A room that was joined. Commands reject with an `EarshotError`; what they change shows in `view` before they resolve. Those of the
 * queue, of votes, roles and chat survive a reconnect (`request-keys.ts`); those of playback do not, as their moment would be gone.
 */
export class Room {
  readonly id: RoomId;
  /** This person, here. */
  readonly userId: UserId;
  readonly #parts: RoomParts;

  constructor(parts: RoomParts) {
    this.#parts = parts;
    this.id = parts.replica.id;
    this.userId = parts.userId;
  }

  get view(): Observable<RoomView> {
    return this.#parts.replica.view;
  }

  /** Live revisions, once each and in order; what a snapshot skipped is not told. @returns the remover */
  onEvent(listener: (event: PublicEvent) => void): () => void {
    return this.#parts.replica.events.add(listener);
  }

  onReactions(
    listener: (counts: Readonly<Record<string, number>>, from: readonly UserId[]) => void,
  ): () => void {
    return this.#parts.replica.reactions.add(listener);
  }

  /** The anchor in force by hub time; undefined while the clock is not known. */
  anchorNow(): Anchor | undefined {
    const now = this.#parts.clock.now();
    return now === undefined ? undefined : anchorAt(this.view.value.room.playback.timeline, now);
  }

  /** Where the room is in its track, ms; undefined while the clock is not known. */
  positionNow(): number | undefined {
    const now = this.#parts.clock.now();
    if (now === undefined) return undefined;
    return positionAt(anchorAt(this.view.value.room.playback.timeline, now), now);
  }

  async play(): Promise<void> {
    const entryId = this.#meant();
    await this.#ask('playback.play', entryId === undefined ? {} : { entryId });
  }

  async pause(): Promise<void> {
    await this.#ask('playback.pause', { entryId: this.#meantOrRefuse() });
  }

  async seek(positionMs: number): Promise<void> {
    await this.#ask('playback.seek', { entryId: this.#meantOrRefuse(), positionMs });
  }

  async skip(): Promise<void> {
    await this.#ask('playback.skip', { entryId: this.#meantOrRefuse() });
  }

  async previous(): Promise<void> {
    await this.#ask('playback.previous', { entryId: this.#meantOrRefuse() });
  }

  async jump(entryId: EntryId): Promise<void> {
    await this.#ask('playback.jump', { to: entryId });
  }

  async setMode(mode: { repeat?: Repeat; shuffle?: boolean }): Promise<void> {
    await this.#ask('playback.mode', mode);
  }

  /** @returns the new entries' ids, in the order of `trackIds` */
  async add(trackIds: readonly TrackId[], at?: 'next' | 'end'): Promise<EntryId[]> {
    const body = { trackIds: [...trackIds], ...(at === undefined ? {} : { at }) };
    const { entryIds } = await this.#ask('queue.add', body);
    return [...entryIds];
  }

  async remove(entryIds: readonly EntryId[]): Promise<void> {
    await this.#ask('queue.remove', { entryIds: [...entryIds] });
  }

  /** @param beforeEntryId absent: to the end */
  async move(entryId: EntryId, beforeEntryId?: EntryId): Promise<void> {
    await this.#ask('queue.move', {
      entryId,
      ...(beforeEntryId === undefined ? {} : { beforeEntryId }),
    });
  }

  async clear(): Promise<void> {
    await this.#ask('queue.clear', {});
  }

  async undo(): Promise<void> {
    await this.#ask('queue.undo', {});
  }

  async voteSkip(): Promise<void> {
    await this.#ask('vote.skip', { entryId: this.#meantOrRefuse() });
  }

  async vote(entryId: EntryId, value: -1 | 0 | 1): Promise<void> {
    await this.#ask('vote.entry', { entryId, value });
  }

  async chat(text: string): Promise<void> {
    await this.#ask('chat.send', { text });
  }

  async deleteChat(seq: number): Promise<void> {
    await this.#ask('chat.delete', { seq });
  }

  /** Puts a page of older chat before what the view holds. */
  olderChat(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#parts.replica.older((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  async react(emoji: string): Promise<void> {
    await this.#ask('reaction.send', { emoji });
  }

  async update(change: RoomChange): Promise<void> {
    await this.#ask('room.update', change);
  }

  /** @returns the secret part of an invite link */
  async invite(options: InviteOptions = {}): Promise<string> {
    const { invite } = await this.#ask('room.invite', options);
    return invite;
  }

  async admit(userId: UserId, accept: boolean): Promise<void> {
    await this.#ask('room.admit', { userId, accept });
  }

  async setRole(userId: UserId, role: Exclude<Role, 'host'>): Promise<void> {
    await this.#ask('role.set', { userId, role });
  }

  async transferHost(userId: UserId): Promise<void> {
    await this.#ask('host.transfer', { userId });
  }

  async kick(userId: UserId): Promise<void> {
    await this.#ask('member.kick', { userId });
  }

  /** @param durationMs absent: for good */
  async ban(userId: UserId, durationMs?: number): Promise<void> {
    await this.#ask('member.ban', { userId, ...(durationMs === undefined ? {} : { durationMs }) });
  }

  async unban(userId: UserId): Promise<void> {
    await this.#ask('member.unban', { userId });
  }

  /** Tells that so much of the entry's start is buffered, for the gate. */
  async ready(entryId: EntryId, bufferedMs: number): Promise<void> {
    await this.#ask('ready', { entryId, bufferedMs });
  }

  async reportSync(report: SyncReport): Promise<void> {
    await this.#ask('sync.report', report);
  }

  /** Leaves, even where the hub cannot be told: it then notices by itself. */
  async leave(): Promise<void> {
    const { replica, request } = this.#parts;
    if (replica.view.value.status === 'left') return;
    const told =
      replica.view.value.status === 'joined'
        ? request('room.leave', { roomId: this.id })
        : undefined;
    replica.left('left');
    try {
      await told;
    } catch (error) {
      if (!(error instanceof EarshotError)) throw error;
    }
  }

  /** Closes the room for good, for everybody. */
  async close(): Promise<void> {
    await this.#ask('room.close', {});
  }

  #meant(): EntryId | undefined {
    // While the clock is not known, what was decided last counts, whenever it is.
    return headEntryId(this.view.value.room, this.#parts.clock.now() ?? -Infinity);
  }

  #meantOrRefuse(): EntryId {
    const entryId = this.#meant();
    if (entryId === undefined) throw new EarshotError('conflict', 'nothing is chosen in this room');
    return entryId;
  }

  #ask<T extends RoomRequestType>(type: T, body: RoomBody<T>): Promise<ReplyOf<T>> {
    const { status } = this.view.value;
    if (status === 'left') {
      return Promise.reject(new EarshotError('not_in_room', 'the room was left'));
    }
    if (status === 'reconnecting' && !isKeyed(type)) return Promise.reject(connectionLost(type));
    const full = { ...body, roomId: this.id } as unknown as RequestBody<T>;
    return this.#parts.request(type, full);
  }
}
