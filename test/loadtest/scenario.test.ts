// What a load test may be asked for: scenarios in words and files, thresholds, and who sits where.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { feedGraph, isPrivate } from '../../loadtest/feed-graph.ts';
import {
  isTaken,
  personId,
  personOf,
  roomsAt,
  seatsOf,
  threadOf,
} from '../../loadtest/placement.ts';
import { BUILT_IN } from '../../loadtest/scenario/built-in.ts';
import { readScenario } from '../../loadtest/scenario/read-scenario.ts';
import {
  FeedGroupSchema,
  ScenarioSchema,
  type Scenario,
} from '../../loadtest/scenario/scenario.ts';
import { keeps, parseThreshold } from '../../loadtest/scenario/threshold.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'earshot-scenario-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  const whole = path.join(dir, name);
  await writeFile(whole, text);
  return whole;
}

const PHASES = 'phases: [{ name: steady, seconds: 5, measured: true }]';

describe('a scenario', () => {
  it.each(Object.keys(BUILT_IN))('comes along: %s', async (name) => {
    const scenario = await readScenario(name, {});
    expect(scenario.name).toBe(name);
    expect(scenario.phases.some(({ measured }) => measured)).toBe(true);
  });

  it('may be a file of YAML or of TypeScript', async () => {
    const yaml = await file(
      'own.yaml',
      `name: own\ngroups:\n  - { kind: rooms, rooms: 3, listeners: 4, acts: { chat: 5 } }\n${PHASES}\n`,
    );
    const typescript = await file(
      'own.ts',
      `interface Small { name: string }\nexport const scenario: Small & object = { name: 'own', groups: [{ kind: 'rooms', rooms: 3, listeners: 4, acts: { chat: 5 } }], phases: [{ name: 'steady', seconds: 5, measured: true }] };\n`,
    );
    const read = await readScenario(yaml, {});
    expect(read).toEqual(await readScenario(typescript, {}));
    expect(read.groups[0]).toMatchObject({ rooms: 3, acts: { chat: 5, seek: 0 }, model: 'open' });
  });

  it('is changed by the command line, and judged after that', async () => {
    const overrides = { rooms: 7, seconds: 3, thresholds: ['join p99 <= 5'], noThresholds: true };
    const scenario = await readScenario('party', overrides);
    expect(scenario.groups[0]).toMatchObject({ rooms: 7, listeners: 5 });
    expect(scenario.phases.map(({ seconds }) => seconds)).toEqual([10, 3]);
    expect(scenario.thresholds.map(({ text }) => text)).toEqual(['join p99 <= 5']);
    await expect(readScenario('party', { rooms: -1 })).rejects.toThrow(/scenario party: .*rooms/s);
  });

  it.each([
    ['an unknown key', `name: x\ngruops: []\n${PHASES}`, /gruops/],
    [
      'an unknown act',
      `name: x\ngroups: [{ kind: rooms, rooms: 1, listeners: 1, acts: { dance: 1 } }]\n${PHASES}`,
      /dance/,
    ],
    ['no groups', `name: x\ngroups: []\n${PHASES}`, /groups/],
    [
      'a threshold that is none',
      `name: x\ngroups: [{ kind: feed, people: 2 }]\nthresholds: [fast]\n${PHASES}`,
      /"fast" is no threshold/,
    ],
    ['what is no YAML', 'name: [', /own\.yaml/],
    ['what is no scenario', 'just words', /object/],
  ])('names %s, and the file', async (_, text, words) => {
    const name = await file('own.yaml', text);
    await expect(readScenario(name, {})).rejects.toThrow(words);
    await expect(readScenario(name, {})).rejects.toThrow(/own\.yaml/);
  });

  it('says where there is no such file, or none that can be a scenario', async () => {
    await expect(readScenario(path.join(dir, 'gone.yaml'), {})).rejects.toThrow(/cannot be read/);
    await expect(readScenario('gone', {})).rejects.toThrow(
      /there is no scenario "gone": name one of party/,
    );
    const empty = await file('empty.ts', 'export const other = 1;\n');
    await expect(readScenario(empty, {})).rejects.toThrow(/exports no "scenario"/);
  });
});

describe('a threshold', () => {
  it.each([
    ['join p99 <= 1000', 'join', 'p99', 1_000],
    ['faults == 0', 'faults', undefined, 0],
    ['command.last  p99.9<50.5', 'command.last', 'p99.9', 50.5],
  ])('is read: %s', (text, metric, statistic, limit) => {
    expect(parseThreshold(text)).toMatchObject({ metric, statistic, limit });
  });

  it.each([
    ...['', 'join', 'join p98 <= 5', 'join <= fast', 'join p99 => 5'],
    // What is never measured would never be kept, or mean something else.
    ...['joim p99 <= 5', 'constructor <= 3', 'toString == 1', 'faults p99 <= 1', 'dance.ack <= 1'],
    ...['seek.first <= 1', 'command <= 1', 'feed.each <= 1'],
  ])('is refused: %j', (text) => {
    expect(typeof parseThreshold(text)).toBe('string');
  });

  it.each([
    ...['join <= 5', 'resume p50 <= 5', 'command.last <= 1', 'vote.ack <= 1', 'chat.each <= 1'],
    ...['feed.visible <= 1', 'inStep.spread <= 1', 'elsewhereShare <= 0.1', 'frames >= 1'],
  ])('may judge what is measured: %j', (text) => {
    expect(parseThreshold(text)).toMatchObject({ text });
  });

  it('says what there is where it names nothing', () => {
    expect(parseThreshold('joim p99 <= 5')).toMatch(/nothing is measured as joim; .*join.*<act>/);
  });

  it('is kept by what it says, and never by what was not measured', () => {
    const of = (text: string, value: number): boolean => {
      const parsed = parseThreshold(text);
      if (typeof parsed === 'string') throw new Error(parsed);
      return keeps(parsed, value);
    };
    expect([
      of('join <= 5', 5),
      of('join < 5', 5),
      of('join >= 5', 5),
      of('join > 5', 5),
      of('join == 5', 5),
    ]).toEqual([...[true, false, true, false, true]]);
    expect(of('join <= 5', NaN)).toBe(false);
    expect(of('join >= 5', NaN)).toBe(false);
  });
});

function scenarioOf(groups: readonly object[]): Scenario {
  return ScenarioSchema.parse({ name: 'x', groups, phases: [{ name: 'a', seconds: 1 }] });
}

describe('who sits where', () => {
  const rooms = { kind: 'rooms', rooms: 4, listeners: 3 };
  const stadium = { kind: 'rooms', rooms: 1, listeners: 1_000, grows: 'listeners' };

  it('is everybody once, with a number of their own', () => {
    const seats = seatsOf(scenarioOf([rooms, stadium, { kind: 'feed', people: 10 }]), 2);
    expect(seats).toHaveLength(24 + 2_000 + 20);
    expect(new Set(seats.map(({ person }) => person)).size).toBe(seats.length);
  });

  it('grows with the load: rooms one after the other, or all of them evenly', () => {
    const there = (group: object, load: number) =>
      seatsOf(scenarioOf([group]), 2).filter(({ fromLoad }) => isTaken(fromLoad, load));
    expect(there(rooms, 0.5)).toHaveLength(6);
    expect(new Set(there(rooms, 0.5).map(({ room }) => room))).toEqual(new Set([0, 1]));
    expect(there(rooms, 2)).toHaveLength(24);
    const evenly = there({ ...rooms, grows: 'listeners' }, 0.5);
    expect(evenly.map(({ room }) => room).sort()).toEqual([0, 0, 1, 1, 2, 3]);
    expect(there({ ...rooms, grows: 'acts' }, 2)).toHaveLength(12);
  });

  it('keeps a room in one thread, and spreads one that is too large for it', () => {
    const scenario = scenarioOf([rooms, stadium]);
    const seats = seatsOf(scenario, 1);
    for (let room = 0; room < 4; room += 1) {
      const of = seats.filter((seat) => seat.group === 0 && seat.room === room);
      expect(new Set(of.map((seat) => threadOf(scenario, seat, 3, 1))).size).toBe(1);
    }
    const spread = seats.filter(({ group }) => group === 1);
    expect(new Set(spread.map((seat) => threadOf(scenario, seat, 3, 1)))).toEqual(
      new Set([0, 1, 2]),
    );
  });

  it('names the rooms that are needed, and who makes each', () => {
    expect(roomsAt(scenarioOf([rooms]), 2, 0.5)).toEqual([
      { group: 0, room: 0, host: 0 },
      { group: 0, room: 1, host: 3 },
    ]);
  });

  it('gives people ids by which they are found again, and only those of the run', () => {
    for (const person of [0, 1, 70_000, 12_345_678]) {
      expect(personId(0xdeadbeef, person)).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
      );
      expect(personOf(0xdeadbeef, personId(0xdeadbeef, person))).toBe(person);
      expect(personOf(0xdeadbeee, personId(0xdeadbeef, person))).toBeUndefined();
    }
  });
});

describe('who is whose friend', () => {
  const group = FeedGroupSchema.parse({
    kind: 'feed',
    people: 2_000,
    meanFriends: 12,
    mostFriends: 300,
  });
  const { friends, pairs } = feedGraph(group, 2_000, 5);

  it('is mutual, never oneself, and each pair once', () => {
    const keys = pairs.map(([a, b]) => [Math.min(a, b), Math.max(a, b)].join());
    expect(new Set(keys).size).toBe(pairs.length);
    for (const [a, b] of pairs) {
      expect(a).not.toBe(b);
      expect(friends[a]?.has(b) === true && friends[b]?.has(a) === true).toBe(true);
    }
  });

  it('has the mean that was asked for, and some with far more', () => {
    const degrees = friends.map((each) => each.size).sort((a, b) => b - a);
    const mean = degrees.reduce((sum, d) => sum + d, 0) / degrees.length;
    expect(mean).toBeGreaterThan(8);
    expect(mean).toBeLessThan(14);
    expect(degrees[0]).toBeGreaterThan(8 * mean);
    expect(degrees[0]).toBeLessThanOrEqual(300);
    // A power law: a hundredth of the people has a large part of the friendships.
    const top = degrees.slice(0, 20).reduce((sum, d) => sum + d, 0);
    expect(top / degrees.reduce((sum, d) => sum + d, 0)).toBeGreaterThan(0.05);
  });

  it('lets nobody ask more often than hubs allow in a day', () => {
    const asked = new Map<number, number>();
    for (const [asks] of pairs) asked.set(asks, (asked.get(asks) ?? 0) + 1);
    expect(Math.max(...asked.values())).toBeLessThanOrEqual(20);
  });

  it('is the same for every thread', () => {
    expect(feedGraph(group, 2_000, 5).pairs).toEqual(pairs);
    expect(feedGraph(group, 2_000, 6).pairs).not.toEqual(pairs);
    const hidden = friends.filter((_, place) => isPrivate(group, place, 5)).length;
    expect(hidden).toBeGreaterThan(40);
    expect(hidden).toBeLessThan(200);
  });
});
