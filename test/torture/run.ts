// One run: people in rooms over real nodes, faults by chance, then peace, and the record of all of it for the checker.
import { SeededRandom } from '../support/seeded-random.ts';
import type { Actor } from './actor.ts';
import { check } from './check.ts';
import { gather, letAct, peace } from './company.ts';
import { countsOf } from './counts.ts';
import { FAULTS, faultsFor, mayMeet, type FaultName } from './faults.ts';
import { RULES, type Rule, type Violation } from './history.ts';
import { Stage, type RedisKind } from './stage.ts';
import { pause } from './until.ts';

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
    actors = await gather(stage, options, random, now);
    say(`${actors.length} people in ${options.rooms} rooms on ${options.nodes} nodes`);
    const stopActing = letAct(actors);
    const faults = await strikes(stage, options, random, now).finally(stopActing);
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
