// People in rooms over some nodes: how they come together and act, and what each of them has when all is quiet. Knows no fault and starts no server.
import type { RoomId, TrackId } from '../../protocol/ids.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { guestToken, type GuestToken } from '../support/wire-client.ts';
import { Actor } from './actor.ts';
import type { History } from './history.ts';
import { readPostgres, readRedis } from './records.ts';
import { pause, until } from './until.ts';

/** What people stand on: nodes that share one Redis, in `PARTITIONS` parts, and one Postgres. */
export interface Ground {
  /** `isUp`: whether a balancer would send somebody there. */
  readonly nodes: readonly { readonly url: string; readonly isUp: boolean }[];
  readonly databaseUrl: string;
  /** Of the Redis that is the truth now. */
  redisUrl(): Promise<string>;
  /** Resolves when each node says that it can serve. */
  ready(): Promise<void>;
}

export interface Gathering {
  readonly seed: number;
  readonly people: number;
  readonly rooms: number;
}

const ACT_EVERY_MS = 250;
const PATIENCE_MS = 60_000;

/** Connects everybody and makes the rooms: each with a host, each person in two of them. */
export async function gather(
  ground: Ground,
  { seed, people, rooms }: Gathering,
  random: SeededRandom,
  now: () => number,
): Promise<readonly Actor[]> {
  if (ground.nodes.length === 0) throw new Error('there are no nodes');
  const actors: Actor[] = [];
  for (let i = 0; i < people; i += 1)
    actors.push(await person(`p${i}`, ground, new SeededRandom(seed * 1_000 + i), now));
  const roomIds: RoomId[] = [];
  for (let i = 0; i < rooms; i += 1) roomIds.push(await random.pick(actors).create(`room ${i}`));
  for (const [i, actor] of actors.entries()) {
    for (const roomId of new Set([roomIds[i % rooms], random.pick(roomIds)])) {
      if (roomId !== undefined && actor.rooms.every(({ id }) => id !== roomId))
        await actor.join(roomId);
    }
  }
  return actors;
}

/** As a balancer would: each connection goes to one of the nodes that are up. */
async function person(
  name: string,
  ground: Ground,
  random: SeededRandom,
  now: () => number,
  only?: string,
): Promise<Actor> {
  const urlNow = (): string => {
    const up = ground.nodes.filter(({ isUp }) => isUp);
    return only ?? random.pick(up.length === 0 ? ground.nodes : up).url;
  };
  const guest = await guestOf(name, urlNow);
  const tracks = await tracksOf(urlNow(), guest.token);
  const actor = new Actor({ name, guest, random, tracks, urlNow, now });
  await actor.client.connect();
  return actor;
}

/** People are kept in Postgres, whose connections come back a moment after it. */
async function guestOf(name: string, urlNow: () => string): Promise<GuestToken> {
  let guest: GuestToken | undefined;
  await until(`${name} is let in`, PATIENCE_MS, async () => {
    guest = await guestToken(urlNow(), name).catch(() => undefined);
    return guest !== undefined;
  });
  if (guest === undefined) throw new Error('nobody was let in');
  return guest;
}

/** A node reads its music after it has begun to serve. */
async function tracksOf(url: string, token: string): Promise<readonly TrackId[]> {
  const headers = { authorization: `Bearer ${token}` };
  let found: readonly TrackId[] = [];
  await until('there is music', PATIENCE_MS, async () => {
    const response = await fetch(`${url}/v1/tracks?q=`, { headers });
    const { tracks } = (await response.json()) as { readonly tracks?: readonly { id: TrackId }[] };
    found = (tracks ?? []).map(({ id }) => id);
    return found.length > 0;
  });
  return found;
}

/** Each of them does something every `ACT_EVERY_MS`. @returns its end */
export function letAct(actors: readonly Actor[]): () => void {
  const acting = actors.map((actor) => setInterval(() => actor.act(), ACT_EVERY_MS));
  return () => {
    for (const timer of acting) clearInterval(timer);
  };
}

/** Waits until nothing is under way any more, and asks everybody what they have. */
export async function peace(
  ground: Ground,
  actors: readonly Actor[],
  random: SeededRandom,
  now: () => number,
): Promise<History> {
  await ground.ready();
  await Promise.all(actors.map((actor) => actor.settled(PATIENCE_MS)));
  const roomIds = [...new Set(actors.flatMap(({ rooms }) => rooms.map(({ id }) => id)))];
  const witnesses: Actor[] = [];
  try {
    for (const [i, { url }] of ground.nodes.entries()) {
      const witness = await person(`w${i}`, ground, random, now, url);
      witnesses.push(witness);
      for (const roomId of roomIds) await witness.join(roomId);
    }
    const all = [...actors, ...witnesses];
    await until('nothing plays', PATIENCE_MS, async () => {
      await Promise.all(actors.map((actor) => actor.pause()));
      return actors.every(({ rooms }) => rooms.every((room) => !plays(room.view.value.room)));
    });
    await until('everybody stands still', PATIENCE_MS, async () => {
      const before = standing(all);
      await pause(2_000);
      const { waiting } = await readRedis(await ground.redisUrl(), []);
      return waiting === 0 && standing(all) === before;
    });
    // What a client made of all that it was told, before it asks for anything again: chat is compared after it was read whole.
    const endings = all.flatMap((actor) => actor.endings());
    for (const actor of all) {
      await actor.refresh();
      await actor.readChat();
    }
    const postgres = await readPostgres(ground.databaseUrl, roomIds);
    const redis = await readRedis(await ground.redisUrl(), roomIds);
    return {
      commands: actors.flatMap(({ commands }) => commands),
      clients: all.flatMap((actor) => actor.record()),
      logs: [...postgres.logs, ...redis.logs],
      endings: [...endings, ...postgres.endings, ...redis.endings],
      chats: [...postgres.chats, ...all.flatMap((actor) => actor.chats())],
    };
  } finally {
    for (const witness of witnesses) witness.client.close();
  }
}

function plays(room: { readonly playback: { readonly timeline: readonly { state: string }[] } }) {
  return room.playback.timeline.at(-1)?.state === 'playing';
}

function standing(actors: readonly Actor[]): string {
  const endings = actors.flatMap((actor) => actor.endings());
  return endings.map(({ epoch, revision, hash }) => `${epoch}-${revision}-${hash}`).join();
}
