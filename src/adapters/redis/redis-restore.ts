// Gives a room's log in Redis back what it has lost: reads all that it has, plans, and writes only if nobody was faster.
import type { EventId, HubMs, RoomId, UserId } from '../../../protocol/ids.ts';
import { evolve } from '../../domain/evolve.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { Log } from '../../ports/log.ts';
import {
  NO_ROOM,
  StoreUnavailable,
  isAfter,
  type Head,
  type HeldEvent,
  type HeldRoom,
  type IdempotencyRecord,
  type LoadedRoom,
  type ToldAppend,
} from '../../ports/room-log.ts';
import type { RedisChannels } from './redis-channels.ts';
import { runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';
import { KEY_LIFE_MS } from './room-log-scripts.ts';
import {
  planRestore,
  planRewrite,
  type Lineage,
  type LoggedRoom,
  type NewEpoch,
} from './restore-plan.ts';
import { DROP_BEFORE, LOAD_WHOLE, REMEMBER, RESTORE } from './restore-scripts.ts';

/** Others write meanwhile; each time that this fails, somebody else has got further. */
const MAX_ATTEMPTS = 20;

/** A new epoch, as the archive takes it from the outbox. */
export interface RestoreMessage extends Omit<LoadedRoom, 'recent'> {
  readonly roomId: RoomId;
  /** Where the log ended before; absent where it did not have the room. */
  readonly from?: Head;
  /** What was put back, with its new numbers; of a room that was put back whole, its newest events with the numbers that they had. */
  readonly events: readonly HeldEvent[];
  readonly keys: readonly IdempotencyRecord[];
}

interface RestoreOptions {
  readonly redis: RedisCommands;
  readonly channels: RedisChannels;
  readonly keys: RedisKeys;
  readonly nodeId: string;
  readonly log: Log;
}

interface Found {
  /** The server's; see `REIGN`. */
  readonly reign: string;
  readonly room: LoggedRoom | undefined;
  /** Where a room ended that has left for the archive, of those that are not here. */
  readonly left: Pick<Head, 'epoch' | 'revision'> | undefined;
}

/**
 * What is held is older than what the archive had when the room left. Whoever has just read it from the archive was held up since, and
 * reads again; nothing was changed.
 */
export class BehindArchive extends StoreUnavailable {
  constructor() {
    super('the end of the room');
    this.name = 'BehindArchive';
  }
}

/**
 * @param isSurelyNewest whether it is known that the archive has no more than what is held, whatever it had once
 * Rejects with `StoreUnavailable` where Redis is away, or where too many others write; with `BehindArchive`.
 */
export async function restoreRoom(
  options: RestoreOptions,
  roomId: RoomId,
  held: HeldRoom,
  isSurelyNewest: boolean,
): Promise<{ readonly room: LoadedRoom; readonly reign: string }> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const found = await loadWhole(options, roomId);
    const { reign, left } = found;
    if (left !== undefined && isAfter(left, held.head)) {
      if (!isSurelyNewest) throw new BehindArchive();
      options.log.error({ roomId, left, held: held.head }, 'the archive has lost a room’s end');
    }
    const plan = planRestore(found.room, held, epochStep(reign), left?.epoch);
    if (plan === undefined && found.room !== undefined) {
      const { head, state, events } = found.room;
      await rememberAll(options, roomId, held.keys, state.lastAt);
      return { room: { head, state, recent: events }, reign };
    }
    if (plan === undefined) break;
    const room = await begin(options, roomId, found, plan, held);
    if (room === undefined) continue;
    options.log[left === undefined ? 'warn' : 'debug'](
      { roomId, from: found.room?.head, head: room.head, putBack: plan.tail.length },
      found.room === undefined
        ? 'Redis did not have a room any more: it is put back'
        : 'Redis has another past than before: a new epoch begins',
    );
    return { room, reign };
  }
  throw new StoreUnavailable('the log of the room');
}

/**
 * Begins a new epoch in which the room is as `change` makes it, and keeps nothing of what came before, nor of what `userId` had asked.
 * @returns the server's reign; undefined where there is no room
 */
export async function rewriteRoom(
  options: RestoreOptions,
  roomId: RoomId,
  userId: UserId,
  change: (state: RoomState) => RoomState,
): Promise<string | undefined> {
  const { redis, keys } = options;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const found = await loadWhole(options, roomId);
    if (found.room === undefined) return undefined;
    const { head, state, lineage } = found.room;
    const plan = planRewrite({ head, state: change(state), lineage }, epochStep(found.reign));
    const nothing = { head, state, recent: [], keys: [] };
    if ((await begin(options, roomId, found, plan, nothing)) === undefined) continue;
    // Only what is of the epochs before: others may have gone on since.
    const asked = found.room.events
      .flatMap((each) => each.keys ?? [])
      .filter(({ key }) => key.includes(userId))
      .map(({ key }) => keys.idempotency(roomId, key));
    await runScript(redis, DROP_BEFORE, [keys.events(roomId), ...asked], [`${plan.epoch}-0`]);
    return found.reign;
  }
  throw new StoreUnavailable('the log of the room');
}

/** Who gave the events back may not have known by which requests they came about. */
async function rememberAll(
  { redis, keys }: RestoreOptions,
  roomId: RoomId,
  records: readonly IdempotencyRecord[],
  at: HubMs,
): Promise<void> {
  if (records.length === 0) return;
  await runScript(
    redis,
    REMEMBER,
    records.map(({ key }) => keys.idempotency(roomId, key)),
    [String(at), String(KEY_LIFE_MS), ...records.map(({ reply }) => JSON.stringify(reply))],
  );
}

/** From 1 to 1,000. @param reign hexadecimal digits, at random */
function epochStep(reign: string): number {
  return 1 + (Number.parseInt(reign.slice(0, 8), 16) % 1_000);
}

async function loadWhole({ redis, keys }: RestoreOptions, roomId: RoomId): Promise<Found> {
  const names = [keys.room(roomId), keys.events(roomId), keys.left(keys.partitionOf(roomId))];
  const reply = await runScript(redis, LOAD_WHOLE, names, [roomId]);
  const found = reply as readonly [string, string] | WholeReply;
  if (found.length === 2) {
    const [reign, left] = found;
    const [epoch, revision] = left.split('|').map(Number);
    const isKnown = epoch !== undefined && revision !== undefined;
    return { reign, room: undefined, left: isKnown ? { epoch, revision } : undefined };
  }
  const [reign, epoch, revision, eventId, snapshot, snapshotRevision, run, lineage, entries] =
    found;
  const head: Head = {
    epoch: Number(epoch),
    revision: Number(revision),
    eventId: eventId as EventId,
  };
  const events = heldEvents(entries);
  const snapshotState = JSON.parse(snapshot) as RoomState;
  const state = events
    .filter((each) => each.epoch === head.epoch && each.revision > Number(snapshotRevision))
    .reduce<RoomState>((before, { event }) => evolve(before, event), snapshotState);
  return {
    reign,
    left: undefined,
    room: {
      head,
      state,
      lineage: JSON.parse(lineage) as Lineage,
      events,
      isCurrent: run === reign,
    },
  };
}

type WholeReply = readonly [
  reign: string,
  epoch: string,
  revision: string,
  eventId: string,
  snapshot: string,
  snapshotRevision: string,
  run: string,
  lineage: string,
  entries: readonly string[],
];

/** @param entries ids of a stream, each with its event as JSON after it, and the requests of its append, as JSON or '' */
export function heldEvents(entries: readonly string[]): readonly HeldEvent[] {
  const events: HeldEvent[] = [];
  for (let i = 0; i + 2 < entries.length; i += 3) {
    const [epoch, revision] = (entries[i] ?? '').split('-');
    const event = JSON.parse(entries[i + 1] ?? '') as RoomEvent;
    const held = { epoch: Number(epoch), revision: Number(revision), event };
    const keys = keysOf(entries[i + 2] ?? '');
    events.push(keys.length === 0 ? held : { ...held, keys });
  }
  return events;
}

/** What an entry of the stream remembers of the requests of its append. */
export function keysOf(text: string): readonly IdempotencyRecord[] {
  return text === '' ? [] : (JSON.parse(text) as readonly IdempotencyRecord[]);
}

/** @returns the room as it is then; undefined where the log is not as it was found any more */
async function begin(
  { redis, channels, keys, nodeId }: RestoreOptions,
  roomId: RoomId,
  found: Found,
  plan: NewEpoch,
  held: HeldRoom,
): Promise<LoadedRoom | undefined> {
  const partition = keys.partitionOf(roomId);
  const from = found.room?.head ?? NO_ROOM;
  const { epoch, base, baseEventId, tail, events, state, lineage } = plan;
  const head: Head = {
    epoch,
    revision: base + tail.length,
    eventId: tail.at(-1)?.event.id ?? baseEventId,
  };
  const message: RestoreMessage = {
    ...{ roomId, head, state, events, keys: held.keys },
    ...(found.room === undefined ? {} : { from }),
  };
  const told: ToldAppend & { readonly node: string } = {
    node: nodeId,
    from,
    head,
    events: [],
    keys: held.keys,
  };
  const reply = await runScript(
    redis,
    RESTORE,
    [
      keys.room(roomId),
      keys.events(roomId),
      keys.inhabited(partition),
      keys.outbox(partition),
      keys.channel(partition),
      keys.told(partition),
      keys.changed(partition),
      keys.left(partition),
      ...held.keys.map(({ key }) => keys.idempotency(roomId, key)),
    ],
    [
      found.room === undefined ? '' : String(from.epoch),
      String(from.revision),
      from.eventId,
      found.reign,
      String(epoch),
      String(base),
      baseEventId,
      String(head.revision),
      head.eventId,
      JSON.stringify(state),
      JSON.stringify(lineage),
      String(state.public.hereCount),
      String(state.lastAt),
      roomId,
      String(KEY_LIFE_MS),
      JSON.stringify(message),
      channels.messageOf('a', roomId, JSON.stringify(told)),
      String(events.length),
      state.public.closed === undefined ? '' : '-',
      ...events.flatMap((each) => [
        `${each.epoch}-${each.revision}`,
        JSON.stringify(each.event),
        each.keys === undefined ? '' : JSON.stringify(each.keys),
      ]),
      ...held.keys.map((record) => JSON.stringify(record.reply)),
    ],
  );
  if ((reply as readonly [string])[0] !== 'restored') return undefined;
  return { head, state, recent: [...(found.room?.events ?? []), ...events] };
}
