// The client process of the append bench: people in rooms who listen, and people who command, one after the other or as fast as they are answered.
import { obeyOrders, spreadOf, type Spread } from './append-child.ts';
import { OrderCheck, type OrderFaults } from './append-order.ts';
import { Person, each, type Reply, type ServerKind } from './append-people.ts';
import { paced } from './pace.ts';

export type CommandKind = 'seek' | 'vote';

export type ClientOrder =
  | {
      readonly kind: 'gather';
      readonly server: ServerKind;
      readonly port: number;
      readonly rooms: number;
      readonly perRoom: number;
      /** Of the first person; the others follow on. */
      readonly firstPerson: number;
      /** One is put into each queue. */
      readonly trackId: string;
      /** Whether the rooms play while they are commanded. */
      readonly isPlaying: boolean;
    }
  /** One person of the first room seeks, `samples` times, each after the one before has reached everybody. */
  | { readonly kind: 'tell'; readonly samples: number; readonly thinkMs: number }
  /** So many people of each room command, each with up to `window` commands under way. */
  | {
      readonly kind: 'press';
      readonly command: CommandKind;
      readonly commanders: number;
      readonly window: number;
      readonly seconds: number;
    }
  /** One person of each room in turn, `perSecond` over all, whether or not they are answered. */
  | { readonly kind: 'pace'; readonly perSecond: number; readonly seconds: number };

export interface Told {
  readonly kind: 'told';
  /** From the write of the command to the read of the frame by the first, and by the last of the others; and of the answer. All ms. */
  readonly first: Spread;
  readonly last: Spread;
  readonly answer: Spread;
}

export interface Pressed {
  readonly kind: 'pressed';
  readonly acknowledged: number;
  readonly refused: number;
  /** What the first refusal said. */
  readonly refusal: string;
  readonly wallMs: number;
  /** From the write of a command to the read of its answer, ms. */
  readonly answer: Spread;
  readonly order: OrderFaults;
  readonly cpuUs: number;
}

export type ClientReport = { readonly kind: 'gathered'; readonly people: number } | Told | Pressed;

const AT_ONCE = 50;
const SEEK_WITHIN_MS = 600_000;
/** A start waits this long for those who are not ready. */
const GATE_MS = 2_500;

interface Room {
  readonly people: readonly Person[];
  readonly roomId: string;
  readonly entryId: string;
}

let rooms: readonly Room[] = [];
let keys = 0;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function memberOf(reply: Reply, name: string): string {
  const found = new RegExp(`"${name}":(?:\\["|")([^"]+)"`).exec(reply.text)?.[1];
  if (found === undefined) throw new Error(`no ${name} in ${reply.text.slice(0, 200)}`);
  return found;
}

async function gather(order: Extract<ClientOrder, { kind: 'gather' }>): Promise<ClientReport> {
  for (const person of rooms.flatMap((room) => room.people)) person.leave();
  const { server, port, perRoom } = order;
  const people = new Array<Person>(order.rooms * perRoom);
  await each(people.length, AT_ONCE, async (n) => {
    people[n] = await Person.come(server, port, order.firstPerson + n);
  });
  const made = new Array<Room>(order.rooms);
  await each(order.rooms, AT_ONCE, async (n) => {
    const here = people.slice(n * perRoom, (n + 1) * perRoom);
    made[n] = server === 'earshot' ? await makeRoom(order, here, n) : await enter(here, n);
  });
  rooms = made;
  // Arrivals and the presence are told in batches: afterwards the rooms are quiet.
  await pause(order.isPlaying ? GATE_MS : 1_000);
  return { kind: 'gathered', people: people.length };
}

async function makeRoom(
  { trackId, isPlaying }: Extract<ClientOrder, { kind: 'gather' }>,
  people: readonly Person[],
  n: number,
): Promise<Room> {
  const [owner, ...others] = people;
  if (owner === undefined) throw new Error('a room has an owner');
  const roomId = await owner.makeRoom(`Room ${n}`);
  const added = await owner.must('queue.add', { roomId, trackIds: [trackId] });
  const entryId = memberOf(added, 'entryIds');
  await each(others.length, AT_ONCE, async (i) => {
    await others[i]?.join(roomId);
  });
  if (isPlaying) await owner.must('playback.play', { roomId });
  return { people, roomId, entryId };
}

async function enter(people: readonly Person[], n: number): Promise<Room> {
  const roomId = String(n);
  for (const person of people) await person.join(roomId);
  return { people, roomId, entryId: '' };
}

async function tell({ samples, thinkMs }: Extract<ClientOrder, { kind: 'tell' }>): Promise<Told> {
  const [room] = rooms;
  const [owner, ...others] = room?.people ?? [];
  if (room === undefined || owner === undefined) throw new Error('nobody is there');
  const times = { first: [] as number[], last: [] as number[], answer: [] as number[] };
  let sentAt = 0;
  let toHear = 0;
  let isAnswered = false;
  let reached: () => void = () => undefined;
  for (const other of others) {
    other.onEvents = () => {
      const now = performance.now() - sentAt;
      if (toHear === others.length) times.first.push(now);
      toHear -= 1;
      if (toHear > 0) return;
      times.last.push(now);
      if (isAnswered) reached();
    };
  }
  owner.onReply = (reply) => {
    if (!reply.isOk) throw new Error(reply.text);
    times.answer.push(performance.now() - sentAt);
    isAnswered = true;
    if (toHear === 0) reached();
  };
  for (let n = 0; n < samples; n += 1) {
    await pause(thinkMs * (0.5 + Math.random()));
    const done = new Promise<void>((resolve) => (reached = resolve));
    toHear = others.length;
    isAnswered = false;
    sentAt = performance.now();
    command(room, owner, 'seek', 0);
    await done;
  }
  for (const other of others) other.onEvents = () => undefined;
  return {
    kind: 'told',
    first: spreadOf(times.first),
    last: spreadOf(times.last),
    answer: spreadOf(times.answer),
  };
}

/** @param turn which vote it is: every other one takes the one before back. @returns its id */
function command(room: Room, by: Person, kind: CommandKind, turn: number): number {
  const where = `"roomId":"${room.roomId}","entryId":"${room.entryId}"`;
  if (kind === 'seek') {
    // As the SDK sends it: without a key.
    return by.send(
      'playback.seek',
      `${where},"positionMs":${Math.floor(Math.random() * SEEK_WITHIN_MS)}`,
    );
  }
  keys += 1;
  const key = keys.toString(16).padStart(32, '0');
  return by.send('vote.entry', `${where},"value":${turn % 2 === 0 ? 1 : 0},"key":"${key}"`);
}

/** How often each has commanded so far, in any run: a vote that changes nothing would have no revision of its own. */
const turns = new Map<Person, number>();

async function press(order: Extract<ClientOrder, { kind: 'press' }>): Promise<Pressed> {
  const answers: number[] = [];
  const check = new OrderCheck();
  let refused = 0;
  let refusal = '';
  let isOver = false;
  let underWay = 0;
  let allAnswered: () => void = () => undefined;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  let acknowledged = 0;
  for (const [n, room] of rooms.entries()) {
    for (const [m, person] of room.people.slice(0, order.commanders).entries()) {
      const sentAt = new Map<number, number>();
      const next = (): void => {
        const turn = turns.get(person) ?? 0;
        turns.set(person, turn + 1);
        sentAt.set(command(room, person, order.command, turn), performance.now());
        underWay += 1;
      };
      person.onReply = (reply) => {
        underWay -= 1;
        const now = performance.now();
        answers.push(now - (sentAt.get(reply.id) ?? NaN));
        sentAt.delete(reply.id);
        if (reply.isOk) {
          if (!isOver) acknowledged += 1;
          check.acknowledged(n, m, reply.id, reply.revision);
        } else {
          refused += 1;
          if (refusal === '') refusal = reply.text;
        }
        if (!isOver) next();
        else if (underWay === 0) allAnswered();
      };
      for (let i = 0; i < order.window; i += 1) next();
    }
  }
  await pause(order.seconds * 1_000);
  isOver = true;
  const wallMs = performance.now() - startedAt;
  const cpu = process.cpuUsage(cpuBefore);
  await new Promise<void>((resolve) => (allAnswered = resolve));
  return {
    kind: 'pressed',
    acknowledged,
    refused,
    refusal,
    wallMs,
    answer: spreadOf(answers),
    order: check.faults(),
    cpuUs: cpu.user + cpu.system,
  };
}

async function pace({
  perSecond,
  seconds,
}: Extract<ClientOrder, { kind: 'pace' }>): Promise<Pressed> {
  const total = Math.round(perSecond * seconds);
  const check = new OrderCheck();
  const answers: number[] = [];
  const sent = rooms.map(() => new Map<number, number>());
  let refused = 0;
  let refusal = '';
  let answered = 0;
  let done: () => void = () => undefined;
  const cpuBefore = process.cpuUsage();
  for (const [n, { people }] of rooms.entries()) {
    const [owner] = people;
    if (owner === undefined) continue;
    owner.onReply = (reply) => {
      answered += 1;
      answers.push(performance.now() - (sent[n]?.get(reply.id) ?? NaN));
      sent[n]?.delete(reply.id);
      if (reply.isOk) check.acknowledged(n, 0, reply.id, reply.revision);
      else {
        refused += 1;
        refusal = reply.text;
      }
      if (answered === total) done();
    };
  }
  const startedAt = performance.now();
  const allAnswered = new Promise<void>((resolve) => (done = resolve));
  await paced(
    perSecond,
    seconds,
    (count) => {
      const n = count % rooms.length;
      const room = rooms[n];
      const [owner] = room?.people ?? [];
      // The time at which it was due counts: a command that is sent late has waited.
      const dueAt = startedAt + (count / perSecond) * 1_000;
      if (room !== undefined && owner !== undefined)
        sent[n]?.set(command(room, owner, 'seek', 0), dueAt);
    },
    1,
  );
  await allAnswered;
  const wallMs = performance.now() - startedAt;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    kind: 'pressed',
    acknowledged: answered - refused,
    refused,
    refusal,
    wallMs,
    answer: spreadOf(answers),
    order: check.faults(),
    cpuUs: cpu.user + cpu.system,
  };
}

obeyOrders((order: ClientOrder): Promise<ClientReport> => {
  switch (order.kind) {
    case 'gather':
      return gather(order);
    case 'tell':
      return tell(order);
    case 'press':
      return press(order);
    case 'pace':
      return pace(order);
  }
});
