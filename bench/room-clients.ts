// A client process of the benches: people who come, make rooms, join them, talk, and count what they hear. Knows no server but by `Person`.
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../loadtest/random.ts';
import { obeyOrders, spreadOf, type Spread } from './append-child.ts';
import { Person, each, type ServerKind } from './append-people.ts';
import { Heard, type HeardCounts } from './heard.ts';
import { LastOfAll } from './last-of-all.ts';
import { MESSAGE_TEXT } from './news.ts';
import { paced } from './pace.ts';
import { cpuOf, ownUsage, rise } from './usage.ts';

export interface Comers {
  readonly server: ServerKind;
  /** One of each node; people go to them in turn. */
  readonly ports: readonly number[];
  readonly people: number;
  /** Of the first of them; the others follow on. */
  readonly firstPerson: number;
}

export type RoomOrder =
  /** So many people open a socket and say who they are. */
  | ({ readonly kind: 'come' } & Comers)
  /** Of those who came and are in no room, the first make one each. They are the ones who talk. */
  | { readonly kind: 'make'; readonly rooms: number }
  /** All others who are in no room join those that were made last, or `rooms`, so many at once. */
  | {
      readonly kind: 'join';
      readonly atOnce: number;
      readonly rooms?: readonly string[];
      /** Who joins after whom: a room's people lie side by side in the server's memory, or anywhere. */
      readonly order: 'room by room' | 'in turn';
    }
  /** People come and join at once, as if all had lost their connection. */
  | ({ readonly kind: 'storm'; readonly atOnce: number } & Comers)
  /** Those who made the rooms talk in turn, `perSecond` in all, whether or not they are answered. */
  | { readonly kind: 'talk'; readonly perSecond: number; readonly seconds: number }
  /** The first of those who made a room says so many, at moments that are as irregular as people are. */
  | {
      readonly kind: 'last';
      readonly listeners: number;
      readonly perSecond: number;
      readonly messages: number;
    }
  /** What those who joined have heard since the last time. */
  | { readonly kind: 'count' };

export type RoomReport =
  | { readonly kind: 'came'; readonly wallMs: number }
  | { readonly kind: 'made'; readonly wallMs: number }
  | ({ readonly kind: 'joined' } & Joined)
  | {
      readonly kind: 'talked';
      readonly said: number;
    }
  | { readonly kind: 'heard by all'; readonly messages: number; readonly after: Spread }
  /** And the CPU that this process has used since. */
  | ({ readonly kind: 'counted'; readonly cpuUs: number } & HeardCounts);

export interface Joined {
  readonly joins: number;
  /** From the first request to the last answer. */
  readonly wallMs: number;
  /** For each, from the request, or in a storm from the moment at which it connects, to being in. */
  readonly answer: Spread;
  /** Of an answer, the median. */
  readonly bytes: number;
  /** Of one core, that this process was busy with it. */
  readonly share: number;
}

const AT_ONCE = 50;
const TALK_TICK_MS = 2;
/** What has been sent is answered within this, or never. */
const PATIENCE_MS = 30_000;

interface Owner {
  readonly person: Person;
  readonly roomId: string;
  seq: number;
}

const heard = new Heard();
/** They came, and are in no room. */
let outside: Person[] = [];
let owners: Owner[] = [];
let made = 0;

function portOf({ ports }: Comers, n: number): number {
  return ports[n % ports.length] ?? 0;
}

async function come(order: Comers): Promise<RoomReport> {
  const startedAt = performance.now();
  const people = new Array<Person>(order.people);
  await each(order.people, AT_ONCE, async (n) => {
    people[n] = await Person.come(order.server, portOf(order, n), order.firstPerson + n);
  });
  outside.push(...people);
  return { kind: 'came', wallMs: performance.now() - startedAt };
}

async function make(rooms: number): Promise<RoomReport> {
  const startedAt = performance.now();
  const makers = outside.splice(0, rooms);
  if (makers.length < rooms) throw new Error('there are fewer people than rooms');
  const next = new Array<Owner>(rooms);
  await each(rooms, AT_ONCE, async (n) => {
    const person = makers[n];
    if (person === undefined) return;
    made += 1;
    next[n] = { person, roomId: await person.makeRoom(`room-${made}`), seq: 0 };
  });
  owners = next;
  return { kind: 'made', wallMs: performance.now() - startedAt };
}

/** Lets `joins` people enter by `enter`, which answers with the bytes of what they got. */
async function timed(
  joins: number,
  atOnce: number,
  enter: (n: number) => Promise<number>,
): Promise<RoomReport> {
  const answers: number[] = [];
  const sizes: number[] = [];
  const before = ownUsage();
  const startedAt = performance.now();
  await each(joins, atOnce, async (n) => {
    const askedAt = performance.now();
    const bytes = await enter(n);
    answers.push(performance.now() - askedAt);
    sizes.push(bytes);
  });
  const wallMs = performance.now() - startedAt;
  const share = cpuOf(rise(before, ownUsage())) / 1_000 / wallMs;
  const [answer, bytes] = [spreadOf(answers), spreadOf(sizes).p50];
  return { kind: 'joined', joins, wallMs, answer, bytes, share };
}

async function join(order: Extract<RoomOrder, { kind: 'join' }>): Promise<RoomReport> {
  const rooms = order.rooms ?? owners.map(({ roomId }) => roomId);
  const joining = outside;
  outside = [];
  const perRoom = Math.ceil(joining.length / rooms.length);
  return timed(joining.length, order.atOnce, async (n) => {
    const roomId = rooms[order.order === 'in turn' ? n % rooms.length : Math.floor(n / perRoom)];
    const person = joining[n];
    if (person === undefined) throw new Error('nobody joins');
    return enter(person, roomId ?? '');
  });
}

async function storm(order: Extract<RoomOrder, { kind: 'storm' }>): Promise<RoomReport> {
  return timed(order.people, order.atOnce, async (n) => {
    const person = await Person.come(order.server, portOf(order, n), order.firstPerson + n);
    return enter(person, owners[n % owners.length]?.roomId ?? '');
  });
}

/** @returns the bytes of the answer */
async function enter(person: Person, roomId: string): Promise<number> {
  person.onPush = heard.ear();
  const { bytes } = await person.join(roomId);
  return bytes;
}

async function talk(perSecond: number, seconds: number): Promise<RoomReport> {
  let answered = 0;
  let said = Infinity;
  const allAnswered = new Promise<void>((resolve, reject) => {
    for (const { person } of owners)
      person.onReply = ({ isOk, text }) => {
        if (!isOk) reject(new Error(`refused to talk: ${text}`));
        answered += 1;
        if (answered === said) resolve();
      };
  });
  const all = await paced(
    perSecond,
    seconds,
    (n) => {
      const owner = owners[n % owners.length];
      if (owner === undefined) return;
      owner.seq += 1;
      owner.person.talk(owner.roomId, owner.seq, MESSAGE_TEXT);
    },
    TALK_TICK_MS,
  );
  said = all;
  const impatient = pause(PATIENCE_MS, undefined, { ref: false }).then(() => {
    throw new Error(`${all - answered} of ${all} messages were never acknowledged`);
  });
  if (answered < all) await Promise.race([allAnswered, impatient]);
  return { kind: 'talked', said: all };
}

/** From the moment at which a message was to be said until the last of all has heard it. */
async function last(order: Extract<RoomOrder, { kind: 'last' }>): Promise<RoomReport> {
  const { listeners, perSecond, messages } = order;
  const [owner] = owners;
  if (owner === undefined) throw new Error('nobody can talk');
  const random = new Random(1);
  const ofAll = new LastOfAll(listeners, heard.newest);
  heard.follow((seq) => ofAll.hear(seq, performance.now()));
  let dueAt = performance.now();
  for (let said = 0; said < messages; said += 1) {
    dueAt += random.wait(1_000 / perSecond);
    await pause(Math.max(0, dueAt - performance.now()));
    owner.seq += 1;
    ofAll.say(dueAt);
    owner.person.talk(owner.roomId, owner.seq, MESSAGE_TEXT);
  }
  const end = performance.now() + PATIENCE_MS;
  while (ofAll.afterMs.length < messages && performance.now() < end) await pause(50);
  heard.follow(undefined);
  if (ofAll.afterMs.length < messages) throw new Error('not all messages were heard by all');
  return { kind: 'heard by all', messages, after: spreadOf([...ofAll.afterMs]) };
}

let countedAt = ownUsage();

function count(): RoomReport {
  const before = countedAt;
  countedAt = ownUsage();
  return { kind: 'counted', ...heard.take(), cpuUs: cpuOf(rise(before, countedAt)) };
}

obeyOrders(async (order: RoomOrder): Promise<RoomReport> => {
  switch (order.kind) {
    case 'come':
      return come(order);
    case 'make':
      return make(order.rooms);
    case 'join':
      return join(order);
    case 'storm':
      return storm(order);
    case 'talk':
      return talk(order.perSecond, order.seconds);
    case 'last':
      return last(order);
    case 'count':
      return count();
  }
});
