// The client process of the join bench: people who come, some of whom make rooms, and all others join them.
import { obeyOrders, spreadOf, type Spread } from './append-child.ts';
import { Person, each, type ServerKind } from './append-people.ts';

export type JoinOrder =
  /** So many people open a socket and say who they are. */
  | {
      readonly kind: 'come';
      readonly server: ServerKind;
      readonly port: number;
      readonly people: number;
      /** Of the first of them; the others follow on. */
      readonly firstPerson: number;
    }
  /** Of those who came last, the first make a room each, which they are then in. */
  | { readonly kind: 'make'; readonly rooms: number }
  /** All others of them join these rooms in turn, so many at once. */
  | { readonly kind: 'join'; readonly atOnce: number };

export type JoinReport =
  | { readonly kind: 'came'; readonly wallMs: number }
  | { readonly kind: 'made'; readonly wallMs: number }
  | {
      readonly kind: 'joined';
      readonly joins: number;
      /** From the first request to the last answer. */
      readonly wallMs: number;
      readonly answer: Spread;
      /** Of an answer, the median. */
      readonly bytes: number;
    };

const AT_ONCE = 50;

let server: ServerKind = 'earshot';
let people: Person[] = [];
let roomIds: string[] = [];

async function come(order: Extract<JoinOrder, { kind: 'come' }>): Promise<JoinReport> {
  const startedAt = performance.now();
  ({ server } = order);
  people = new Array<Person>(order.people);
  await each(order.people, AT_ONCE, async (n) => {
    people[n] = await Person.come(server, order.port, order.firstPerson + n);
  });
  return { kind: 'came', wallMs: performance.now() - startedAt };
}

let made = 0;

async function make({ rooms }: Extract<JoinOrder, { kind: 'make' }>): Promise<JoinReport> {
  const startedAt = performance.now();
  roomIds = new Array<string>(rooms);
  await each(rooms, AT_ONCE, async (n) => {
    made += 1;
    const owner = people[n];
    if (owner === undefined) throw new Error('there are fewer people than rooms');
    if (server === 'earshot') {
      const { text } = await owner.must('room.create', { name: `Room ${made}` });
      const roomId = /"roomId":"([^"]+)"/.exec(text)?.[1];
      if (roomId === undefined) throw new Error('a room without an id');
      roomIds[n] = roomId;
    } else {
      const roomId = `room ${made}`;
      roomIds[n] = roomId;
      await owner.must('join', { roomId });
    }
  });
  return { kind: 'made', wallMs: performance.now() - startedAt };
}

async function join({ atOnce }: Extract<JoinOrder, { kind: 'join' }>): Promise<JoinReport> {
  const joining = people.slice(roomIds.length);
  const answers: number[] = [];
  const sizes: number[] = [];
  const type = server === 'earshot' ? 'room.join' : 'join';
  const startedAt = performance.now();
  await each(joining.length, atOnce, async (n) => {
    const askedAt = performance.now();
    const roomId = roomIds[n % roomIds.length] ?? '';
    const reply = await joining[n]?.must(type, { roomId });
    answers.push(performance.now() - askedAt);
    sizes.push(reply?.bytes ?? 0);
  });
  return {
    kind: 'joined',
    joins: joining.length,
    wallMs: performance.now() - startedAt,
    answer: spreadOf(answers),
    bytes: spreadOf(sizes).p50,
  };
}

obeyOrders((order: JoinOrder): Promise<JoinReport> => {
  switch (order.kind) {
    case 'come':
      return come(order);
    case 'make':
      return make(order);
    case 'join':
      return join(order);
  }
});
