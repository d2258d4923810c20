// The bare round trip: what the log's own script costs a process that does nothing else, with the keys and the arguments that a hub sends.
import { createClient } from 'redis';
import { RedisKeys } from '../src/adapters/redis/redis-keys.ts';
import { RedisRoomLog } from '../src/adapters/redis/redis-room-log.ts';
import type { RedisChannels } from '../src/adapters/redis/redis-channels.ts';
import type { RedisCommands } from '../src/adapters/redis/redis-commands.ts';
import { systemRandom } from '../src/adapters/system/system-random.ts';
import { DEFAULT_DOMAIN_LIMITS, type Command, type DecideContext } from '../src/domain/command.ts';
import { decide } from '../src/domain/decide.ts';
import { evolve } from '../src/domain/evolve.ts';
import type { RoomEvent } from '../src/domain/room-event.ts';
import type { RoomState } from '../src/domain/room-state.ts';
import type { Log } from '../src/ports/log.ts';
import { NO_ROOM, type Head } from '../src/ports/room-log.ts';
import type { TrackId, UserId } from '../protocol/ids.ts';
import { obeyOrders, spreadOf, type Spread } from './append-child.ts';

export type RedisOrder =
  /** Makes a room with so many people that plays. */
  | { readonly kind: 'open'; readonly url: string; readonly people: number }
  /** Seeks in it, `samples` times. */
  | { readonly kind: 'append'; readonly samples: number; readonly thinkMs: number };

export type RedisReport =
  | { readonly kind: 'opened' }
  | {
      readonly kind: 'appended';
      /** From the call of the client to its answer, ms. */
      readonly roundTrip: Spread;
      readonly keys: number;
      /** Of the arguments, the median. */
      readonly bytes: number;
    };

/** As the default of the service. */
const PARTITIONS = 32;
const MAX_OUTBOX_ENTRIES = 100_000;
const NODE = 'bench-node00';
const LEAD_MS = 150;
const SEEK_WITHIN_MS = 600_000;
const SILENT: Log = { debug: none, info: none, warn: none, error: none, child: () => SILENT };
const roomId = systemRandom.roomId();
const owner = personId(0);

const times: number[] = [];
const sizes: number[] = [];
let keyCount = 0;
let log: RedisRoomLog | undefined;
let head: Head = NO_ROOM;
let state: RoomState | undefined;

function none(): void {
  // The bench has nobody to tell.
}

function personId(n: number): UserId {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}` as UserId;
}

function context(people: number): DecideContext {
  return {
    by: owner,
    at: Date.now(),
    presentCount: people,
    isPresent: () => true,
    readyCount: () => people,
    leadMs: LEAD_MS,
    limits: DEFAULT_DOMAIN_LIMITS,
    newEventId: () => systemRandom.eventId(),
    newEntryId: () => systemRandom.entryId(),
    newSessionId: () => systemRandom.sessionId(),
    random: () => systemRandom.next(),
  };
}

async function submit(command: Command, people: number): Promise<void> {
  const decision = decide(command, state, context(people));
  if (decision.kind === 'refused') throw new Error(decision.refusal.message);
  const { events } = decision;
  if (log === undefined || events.length === 0) return;
  const after = events.reduce<RoomState | undefined>(
    (before, event: RoomEvent) => evolve(before, event),
    state,
  );
  if (after === undefined) return;
  const result = await log.append(roomId, head, events, after, []);
  if (result.kind !== 'committed') throw new Error(`the log answers ${result.kind}`);
  head = result.head;
  state = after;
}

async function open({ url, people }: Extract<RedisOrder, { kind: 'open' }>): Promise<RedisReport> {
  const redis = await createClient({ url }).connect();
  const timed: RedisCommands['evalSha'] = async (sha1, options) => {
    const startedAt = performance.now();
    const reply = await redis.evalSha(sha1, options);
    times.push(performance.now() - startedAt);
    sizes.push(options.arguments.reduce((sum, argument) => sum + argument.length, 0));
    keyCount = options.keys.length;
    return reply;
  };
  const commands = {
    evalSha: timed,
    eval: (script, options) => redis.eval(script, options),
    get: (key) => redis.get(key),
    set: (key, value) => redis.set(key, value, { condition: 'NX' }),
    hGetAll: (key) => redis.hGetAll(key),
    sSubscribe: () => Promise.resolve(),
    sUnsubscribe: () => Promise.resolve(),
  } satisfies RedisCommands;
  const channels: Pick<RedisChannels, 'messageOf'> = {
    messageOf: (kind, room, rest) => `${kind}\n${NODE}\n${room}\n${rest}`,
  };
  log = new RedisRoomLog({
    redis: commands,
    channels: channels as RedisChannels,
    keys: new RedisKeys(PARTITIONS),
    nodeId: NODE,
    maxOutboxEntries: MAX_OUTBOX_ENTRIES,
    barrier: undefined,
    log: SILENT,
  });
  const track = {
    trackId: 'bench' as TrackId,
    title: 'long',
    artist: '',
    durationMs: 900_000,
    hasCover: false,
  };
  const members = Array.from({ length: people }, (_, n) => ({
    userId: personId(n),
    name: `Member ${n}`,
  }));
  await submit(
    {
      type: 'CreateRoom',
      roomId,
      code: systemRandom.roomCode(),
      name: 'Room 0',
      byName: 'Member 0',
      preset: 'friends',
      visibility: 'unlisted',
    },
    people,
  );
  await submit({ type: 'Arrive', members }, people);
  await submit({ type: 'AddToQueue', tracks: [track], at: 'end' }, people);
  await submit({ type: 'Play' }, people);
  return { kind: 'opened' };
}

async function append({
  samples,
  thinkMs,
}: Extract<RedisOrder, { kind: 'append' }>): Promise<RedisReport> {
  times.length = 0;
  sizes.length = 0;
  const [entryId] = Object.keys(state?.public.queue ?? {}) as (keyof RoomState['votes'])[];
  if (entryId === undefined) throw new Error('the queue is empty');
  for (let n = 0; n < samples; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, thinkMs * (0.5 + Math.random())));
    const positionMs = Math.floor(Math.random() * SEEK_WITHIN_MS);
    await submit({ type: 'Seek', entryId, positionMs }, Object.keys(state?.members ?? {}).length);
  }
  return {
    kind: 'appended',
    roundTrip: spreadOf(times),
    keys: keyCount,
    bytes: spreadOf(sizes).p50,
  };
}

obeyOrders((order: RedisOrder): Promise<RedisReport> =>
  order.kind === 'open' ? open(order) : append(order),
);
