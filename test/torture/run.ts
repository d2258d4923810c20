// One run: people in rooms over real nodes, faults by chance, then peace, and the record of all of it for the checker.
import type { RoomId, TrackId } from '../../protocol/ids.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { guestToken, type GuestToken } from '../support/wire-client.ts';
import { Actor } from './actor.ts';
import { takenBack } from './check-sights.ts';
import { check } from './check.ts';
import { FAULTS, faultsFor, mayMeet, type FaultName } from './faults.ts';
import { RULES, type History, type Rule, type Violation } from './history.ts';
import { readPostgres, readRedis } from './records.ts';
import { Stage, type RedisKind } from './stage.ts';
import { pause, until } from './until.ts';

export interface RunOptions {
  readonly seed: number;
  readonly redis: RedisKind;
  /** How long faults strike, ms; the healing and the check come on top. */
  readonly lastsMs: number;
  readonly nodes: number;
  readonly people: number;
  readonly rooms: number;
  /** Undefined: all that this Redis can have. */
  readonly faults: readonly FaultName[] | undefined;
  readonly isShort: boolean;
  readonly say: (line: string) => void;
}

export interface Struck {
  readonly fault: FaultName;
  readonly what: string;
  /** ms since the run began. */
  readonly from: number;
  readonly to: number;
}

export interface Report {
  readonly seed: number;
  readonly redis: RedisKind;
  readonly nodes: number;
  readonly people: number;
  readonly rooms: number;
  readonly lastedMs: number;
  readonly faults: readonly Struck[];
  readonly counts: Readonly<Record<string, number>>;
  readonly rules: Readonly<Record<Rule, number>>;
  readonly violations: readonly Violation[];
  /** Warnings and errors of the nodes, by their text. */
  readonly troubles: Readonly<Record<string, number>>;
}

const ACT_EVERY_MS = 250;
const PATIENCE_MS = 60_000;
/** Long enough for a node that was struck to be looked for, and for departures after the grace. */
const PEACE_BETWEEN_MS = [1_000, 6_000] as const;
const TOGETHER = 0.25;

export async function run(options: RunOptions): Promise<Report> {
  const { say } = options;
  const random = new SeededRandom(options.seed);
  const stage = await Stage.start({
    nodes: options.nodes,
    redis: options.redis,
    env: { PRESENCE_GRACE_MS: '10000' },
  });
  const began = performance.now();
  const now = (): number => Math.round(performance.now() - began);
  let actors: readonly Actor[] = [];
  try {
    actors = await people(stage, options, random, now);
    say(`${actors.length} people in ${options.rooms} rooms on ${options.nodes} nodes`);
    const acting = actors.map((actor) => setInterval(() => actor.act(), ACT_EVERY_MS));
    const faults = await strikes(stage, options, random, now).finally(() => {
      for (const timer of acting) clearInterval(timer);
    });
    const lastedMs = now();
    say('peace: all answers, then the record');
    const history = await peace(stage, actors, random, now);
    const violations = check(history);
    return {
      ...picked(options),
      lastedMs,
      faults,
      counts: countsOf(history, actors),
      rules: rulesOf(violations),
      violations,
      troubles: await troublesOf(stage),
    };
  } finally {
    for (const actor of actors) actor.client.close();
    await stage.stop();
  }
}

function picked({ seed, redis, nodes, people: count, rooms }: RunOptions) {
  return { seed, redis, nodes, people: count, rooms };
}

/** Connects everybody and makes the rooms: each with a host, each person in two of them. */
async function people(
  stage: Stage,
  options: RunOptions,
  random: SeededRandom,
  now: () => number,
): Promise<readonly Actor[]> {
  const [first] = stage.nodes;
  if (first === undefined) throw new Error('there are no nodes');
  const actors: Actor[] = [];
  for (let i = 0; i < options.people; i += 1)
    actors.push(await person(`p${i}`, stage, new SeededRandom(options.seed * 1_000 + i), now));
  const roomIds: RoomId[] = [];
  for (let i = 0; i < options.rooms; i += 1)
    roomIds.push(await random.pick(actors).create(`room ${i}`));
  for (const [i, actor] of actors.entries()) {
    for (const roomId of new Set([roomIds[i % options.rooms], random.pick(roomIds)])) {
      if (roomId !== undefined && actor.rooms.every(({ id }) => id !== roomId))
        await actor.join(roomId);
    }
  }
  return actors;
}

/** As a balancer would: each connection goes to one of the nodes that are up. */
async function person(
  name: string,
  stage: Stage,
  random: SeededRandom,
  now: () => number,
  only?: string,
): Promise<Actor> {
  const urlNow = (): string => {
    const up = stage.nodes.filter(({ isUp }) => isUp);
    return only ?? random.pick(up.length === 0 ? stage.nodes : up).url;
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

/** One fault after the other, with peace between, and now and then two at once. */
async function strikes(
  stage: Stage,
  options: RunOptions,
  random: SeededRandom,
  now: () => number,
): Promise<readonly Struck[]> {
  const possible = faultsFor(options.redis).filter(
    (name) => options.faults === undefined || options.faults.includes(name),
  );
  if (possible.length === 0) throw new Error('none of these faults can be had with this Redis');
  const struck: Struck[] = [];
  const strike = async (name: FaultName): Promise<void> => {
    const from = now();
    options.say(`${stamp(from)} ${name}`);
    const what = await FAULTS[name].strike({ stage, random, isShort: options.isShort });
    struck.push({ fault: name, what, from, to: now() });
    options.say(`${stamp(now())} ${name} is over: ${what}`);
  };
  let bag: FaultName[] = [];
  while (now() < options.lastsMs) {
    await pause(PEACE_BETWEEN_MS[0] + random.next() * (PEACE_BETWEEN_MS[1] - PEACE_BETWEEN_MS[0]));
    // Each comes before any comes again.
    if (bag.length === 0) bag = shuffled(possible, random);
    const [name] = bag.splice(0, 1);
    if (name === undefined) break;
    const others = possible.filter((other) => mayMeet(name, other));
    const second = others.length > 0 && random.next() < TOGETHER ? random.pick(others) : undefined;
    await Promise.all([strike(name), ...(second === undefined ? [] : [strike(second)])]);
    await stage.ready();
  }
  return struck;
}

function stamp(ms: number): string {
  return `${(ms / 1_000).toFixed(1).padStart(6)} s`;
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** Waits until nothing is under way any more, and asks everybody what they have. */
async function peace(
  stage: Stage,
  actors: readonly Actor[],
  random: SeededRandom,
  now: () => number,
): Promise<History> {
  await stage.ready();
  await Promise.all(actors.map((actor) => actor.settled(PATIENCE_MS)));
  const roomIds = [...new Set(actors.flatMap(({ rooms }) => rooms.map(({ id }) => id)))];
  const witnesses: Actor[] = [];
  try {
    for (const [i, { url }] of stage.nodes.entries()) {
      const witness = await person(`w${i}`, stage, random, now, url);
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
      const { waiting } = await readRedis(await stage.redisUrl(), []);
      return waiting === 0 && standing(all) === before;
    });
    // What a client made of all that it was told, before it asks for anything again: chat is compared after it was read whole.
    const endings = all.flatMap((actor) => actor.endings());
    for (const actor of all) {
      await actor.refresh();
      await actor.readChat();
    }
    const postgres = await readPostgres(stage.databaseUrl, roomIds);
    const redis = await readRedis(await stage.redisUrl(), roomIds);
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

function countsOf(history: History, actors: readonly Actor[]): Record<string, number> {
  const { commands, clients, logs, chats } = history;
  const count = (kind: string): number =>
    commands.filter(({ outcome }) => outcome.kind === kind).length;
  const sights = clients.flatMap((client) => client.sights);
  const whole = logs.filter(({ isWhole }) => isWhole);
  const epochs = new Set(
    whole.flatMap(({ roomId, events }) => events.map(({ epoch }) => `${roomId} ${epoch}`)),
  );
  return {
    commands: commands.length,
    acknowledged: count('ok'),
    refused: count('refused'),
    unknown: count('unknown'),
    'sent again': commands.filter(({ tries }) => tries > 1).length,
    'marked commands': commands.filter(({ mark }) => mark !== undefined).length,
    'revisions shown': sights.filter(({ kind }) => kind === 'revision').length,
    'states shown whole': sights.filter(({ kind }) => kind === 'whole').length,
    'resumed joins': sights.filter(({ kind }) => kind === 'resumed').length,
    'events logged': whole.reduce((sum, { events }) => sum + events.length, 0),
    'epochs with events': epochs.size,
    'shown and taken back by a new epoch': takenBack(history),
    'chat items': chats.find(({ who }) => who === 'Postgres')?.items.length ?? 0,
    connections: actors.reduce((sum, { book }) => sum + book.connections, 0),
  };
}

function rulesOf(violations: readonly Violation[]): Record<Rule, number> {
  const rules = Object.keys(RULES) as Rule[];
  return Object.fromEntries(
    rules.map((rule) => [rule, violations.filter((each) => each.rule === rule).length]),
  ) as Record<Rule, number>;
}

async function troublesOf({ nodes }: Stage): Promise<Record<string, number>> {
  const troubles: Record<string, number> = {};
  for (const node of nodes) {
    await node.stop();
    for (const { level, msg } of node.troubles) {
      const line = `${level}: ${msg}`;
      troubles[line] = (troubles[line] ?? 0) + 1;
    }
  }
  return troubles;
}
