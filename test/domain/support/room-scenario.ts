// Given–when–then for a room: a log that grows by decisions, with a clock and a presence that the test moves by hand.
import type { EntryId, EventId, HubMs, SessionId, UserId } from '../../../protocol/ids.ts';
import type { Refusal } from '../../../protocol/errors.ts';
import { playOrder, type Preset, type Visibility } from '../../../protocol/schemas/room.ts';
import {
  DEFAULT_DOMAIN_LIMITS,
  type Command,
  type DecideContext,
  type DomainLimits,
} from '../../../src/domain/command.ts';
import { decide } from '../../../src/domain/decide.ts';
import { evolve } from '../../../src/domain/evolve.ts';
import { currentEntryId, positionMs } from '../../../src/domain/playback.ts';
import type { RoomEvent } from '../../../src/domain/room-event.ts';
import type { RoomState } from '../../../src/domain/room-state.ts';
import { ROOM_CODE, ROOM_ID, track, userIdOf } from './room-commands.ts';

export const [ANA, BEN, CLEO, DAN, EVE] = [0, 1, 2, 3, 4].map(userIdOf) as [
  UserId,
  UserId,
  UserId,
  UserId,
  UserId,
];
const NAMES = new Map<UserId, string>([
  [ANA, 'Ana'],
  [BEN, 'Ben'],
  [CLEO, 'Cleo'],
  [DAN, 'Dan'],
  [EVE, 'Eve'],
]);

export const LEAD_MS = 300;

/** A small generator of numbers in [0, 1) that the same seed repeats (mulberry32). */
export function numbersFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface ContextOptions {
  readonly by?: UserId | undefined;
  readonly at: HubMs;
  readonly present: readonly UserId[];
  readonly ready?: number;
  readonly leadMs?: number;
  readonly limits?: Partial<DomainLimits>;
  /** Ids are made of it, so that the same decision makes the same ids. */
  readonly serial: string;
  readonly seed?: number;
}

export function contextOf(options: ContextOptions): DecideContext {
  const { by, at, present, ready, leadMs = LEAD_MS, limits, serial, seed = 1 } = options;
  let count = 0;
  const next = (): string => {
    count += 1;
    return `${serial}-${String(count)}`;
  };
  return {
    ...(by === undefined ? {} : { by }),
    at,
    presentCount: present.length,
    isPresent: (userId) => present.includes(userId),
    readyCount: () => Math.min(ready ?? present.length, present.length),
    leadMs,
    limits: { ...DEFAULT_DOMAIN_LIMITS, ...limits },
    newEventId: () => `ev-${next()}` as EventId,
    newEntryId: () => `en-${next()}` as EntryId,
    newSessionId: () => {
      count += 1;
      return `22222222-2222-4222-8222-${String(count).padStart(12, '0')}` as SessionId;
    },
    random: numbersFrom(seed),
  };
}

/** One room and its log. `do` decides and applies; what it is given stays until changed. */
export class Scenario {
  room: RoomState | undefined;
  readonly log: RoomEvent[] = [];
  at: HubMs = 1_000_000;
  present: UserId[] = [];
  ready: number | undefined;
  leadMs = LEAD_MS;
  limits: Partial<DomainLimits> = {};
  #decisions = 0;

  get state(): RoomState {
    if (this.room === undefined) throw new Error('the room was not created yet');
    return this.room;
  }

  /** What plays at this moment, by title, with its state and position. */
  get now(): string {
    const anchor = this.state.public.playback.timeline.findLast(({ at }) => at <= this.at);
    const id = currentEntryId(this.state, this.at);
    const title = id === undefined ? '-' : this.titleOf(id);
    return `${anchor?.state ?? 'before'} ${title} ${String(positionMs(this.state, this.at))}`;
  }

  /** The titles in order of play. */
  get order(): string[] {
    return playOrder(this.state.public).map((id) => this.titleOf(id));
  }

  /** `state title position @ms from now` of each anchor. */
  get timeline(): string[] {
    return this.state.public.playback.timeline.map((anchor) => {
      const title = 'entryId' in anchor ? this.titleOf(anchor.entryId) : '-';
      return `${anchor.state} ${title} ${String(anchor.positionMs)} @${String(anchor.at - this.at)}`;
    });
  }

  titleOf(entryId: EntryId): string {
    return this.#titles.get(entryId) ?? entryId;
  }
  readonly #titles = new Map<EntryId, string>();

  /** The entry of that title. */
  id(title: string): EntryId {
    for (const [entryId, known] of this.#titles) if (known === title) return entryId;
    throw new Error(`no entry was ever called ${title}`);
  }

  attempt(command: Command, by?: UserId): readonly RoomEvent[] | Refusal {
    this.#decisions += 1;
    const context = contextOf({
      by,
      at: this.at,
      present: this.present,
      ...(this.ready === undefined ? {} : { ready: this.ready }),
      leadMs: this.leadMs,
      limits: this.limits,
      serial: String(this.#decisions),
      seed: this.#decisions,
    });
    const decision = decide(command, this.room, context);
    if (decision.kind === 'refused') return decision.refusal;
    for (const event of decision.events) {
      this.room = evolve(this.room, event);
      this.log.push(event);
      if (event.type === 'QueueAdded') {
        for (const [entryId, entry] of Object.entries(event.entries)) {
          this.#titles.set(entryId as EntryId, entry.title);
        }
      }
    }
    return decision.events;
  }

  /** The types of the events that the command led to; throws where it was refused. */
  do(command: Command, by?: UserId): string[] {
    const result = this.attempt(command, by);
    if ('code' in result) throw new Error(`${command.type} was refused: ${result.message}`);
    return result.map((event) => ('cause' in event ? `${event.type}:${event.cause}` : event.type));
  }

  /** The code of the refusal; throws where it was not refused. */
  refusal(command: Command, by?: UserId): string {
    const result = this.attempt(command, by);
    if ('code' in result) return result.code;
    throw new Error(`${command.type} was not refused`);
  }

  wait(ms: number): this {
    this.at += ms;
    return this;
  }

  create(preset: Preset = 'friends', visibility: Visibility = 'unlisted', by: UserId = ANA): this {
    this.do(
      {
        type: 'CreateRoom',
        roomId: ROOM_ID,
        code: ROOM_CODE,
        name: 'The room',
        byName: nameOf(by),
        preset,
        visibility,
      },
      by,
    );
    return this;
  }

  arrive(...userIds: UserId[]): string[] {
    this.present = [...new Set([...this.present, ...userIds])];
    const members = userIds.map((userId) => ({ userId, name: nameOf(userId) }));
    return this.do({ type: 'Arrive', members });
  }

  depart(...userIds: UserId[]): string[] {
    this.present = this.present.filter((userId) => !userIds.includes(userId));
    return this.do({
      type: 'Depart',
      members: userIds.map((userId) => ({ userId, reason: 'left' })),
    });
  }

  add(by: UserId, titles: string, at: 'next' | 'end' = 'end', durationMs = 180_000): string[] {
    const tracks = titles.split(' ').map((title) => track(title, durationMs));
    return this.do({ type: 'AddToQueue', tracks, at }, by);
  }
}

export function nameOf(userId: UserId): string {
  return NAMES.get(userId) ?? userId;
}

/** A room of friends: Ana, who made it, and Ben, with `titles` in the queue. */
export function friends(titles = 'a b c'): Scenario {
  const scenario = new Scenario().create();
  scenario.arrive(ANA, BEN);
  if (titles !== '') scenario.add(ANA, titles);
  return scenario;
}
