// Many people over several nodes whose messages get lost, that are cut off, and that die: in the end all hold one history.
import { expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { evolve } from '../../src/domain/evolve.ts';
import type { RoomState } from '../../src/domain/room-state.ts';
import { ModelClient } from '../support/hub-model-client.ts';
import { userId, type HubWorld } from '../support/hub-world.ts';
import { ForgetfulRoomLog } from '../support/forgetful-room-log.ts';
import { NodesWorld } from '../support/nodes-world.ts';
import { act } from '../support/random-act.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const PEOPLE = 6;
const NODES = 3;
const STEPS = 150;
const RATE = { perSecond: 1e6, burst: 1e6 };
const OPTIONS = { connectionRate: RATE, userRate: RATE };

/** What else may happen, besides lost messages and lost connections. */
type Weather = 'nodes die' | 'the log loses its end';

class Storm {
  readonly log = new ForgetfulRoomLog();
  readonly nodes = new NodesWorld(OPTIONS, this.log);
  readonly alive = new Map<string, HubWorld>();
  readonly people: ModelClient[] = [];
  readonly #home = new Map<ModelClient, string>();
  readonly #random: SeededRandom;
  #started = 0;

  readonly #weather: Weather;

  constructor(seed: number, weather: Weather) {
    this.#weather = weather;
    this.#random = new SeededRandom(seed);
    this.nodes.loses = () => this.#isLossy && this.#random.next() < 0.2;
  }

  #isLossy = true;

  async startNode(): Promise<void> {
    this.#started += 1;
    const name = `node-${this.#started}`;
    this.alive.set(name, await this.nodes.start(name));
  }

  async connect(model: ModelClient): Promise<void> {
    const name = this.#random.pick([...this.alive.keys()]);
    this.#home.set(model, name);
    await model.connect(this.alive.get(name)!);
  }

  /** A node dies; its lease ends some time later; another one starts. */
  async kill(): Promise<void> {
    const name = this.#random.pick([...this.alive.keys()]);
    this.nodes.kill(name);
    this.alive.delete(name);
    for (const model of this.people) if (this.#home.get(model) === name) model.drop();
    this.nodes.time.after(6_000, () => this.nodes.bury(name));
    await this.startNode();
  }

  /** A node reaches nothing for a while, and nobody notices but those on it. */
  async cutOff(): Promise<void> {
    const name = this.#random.pick([...this.alive.keys()]);
    this.nodes.cutOff.add(name);
    this.nodes.deaf.add(name);
    await this.nodes.time.advance(this.#random.int(20_000));
    this.nodes.heal(name);
  }

  async step(): Promise<void> {
    const random = this.#random;
    const model = random.pick(this.people);
    const chance = random.next();
    if (model.client === undefined) {
      if (chance < 0.5) await this.connect(model);
    } else if (chance < 0.03) {
      model.drop();
    } else if (chance < 0.04) {
      // What a node alone holds dies with it: that is no fault of the others.
      if (this.#weather === 'nodes die') await this.kill();
      else this.log.failOver(random.int(8));
    } else if (chance < 0.05) {
      await this.cutOff();
    } else if (chance < 0.6) {
      act(model, random);
    } else if (chance < 0.9) {
      model.read(1 + random.int(4));
    } else {
      await this.nodes.time.advance(random.int(random.next() < 0.1 ? 30_000 : 500));
    }
    if (random.next() < 0.5) await this.nodes.time.settle();
  }

  /** Nothing is lost any more: everybody comes back and reads to the end. */
  async calm(): Promise<void> {
    this.#isLossy = false;
    for (const model of this.people) {
      model.drop();
      await this.connect(model);
    }
    for (let round = 0; round < 40; round += 1) {
      await this.nodes.time.advance(1_000);
      for (const model of this.people) model.read();
    }
  }
}

async function simulate(seed: number, weather: Weather): Promise<void> {
  const storm = new Storm(seed, weather);
  const { nodes, people } = storm;
  for (let i = 0; i < NODES; i += 1) await storm.startNode();
  const host = await [...storm.alive.values()][0]!.connect(1);
  const roomId = (await host.ask('room.create', { name: 'Storm' }))['roomId'] as RoomId;
  host.close();
  for (let n = 1; n <= PEOPLE; n += 1) people.push(new ModelClient(n, roomId));
  for (let step = 0; step < STEPS; step += 1) await storm.step();
  await storm.calm();

  const events = storm.log.events(roomId);
  const replayed = events.reduce<RoomState | undefined>(
    (room, event) => evolve(room, event),
    undefined,
  )!;
  const truth = stateHash(replayed.public);
  for (const [name, world] of storm.alive) {
    const room = world.hub.rooms.get(roomId);
    if (room === undefined) continue;
    expect(room.state, `state of ${name}`).toEqual(replayed);
    expect(room.members.count, `people by ${name}`).toBe(PEOPLE);
  }
  for (const model of people) {
    expect(replayed.members[userId(model.n)]?.here, `${model.n} is here`).toBe(true);
  }
  const logged = events.flatMap((event) =>
    event.type === 'QueueAdded' ? Object.keys(event.entries) : [],
  );
  const chat = await nodes.chatLog.after(roomId, 0, 10_000);
  for (const model of people) {
    expect(model.faults, `faults seen by ${model.n}`).toEqual([]);
    expect(stateHash(model.room!), `state of ${model.n}`).toBe(truth);
    for (const entryId of model.added)
      expect(
        logged.filter((id) => id === entryId),
        `entry ${entryId}`,
      ).toHaveLength(1);
    for (const [seq, text] of model.said) expect(chat.items[seq - 1]).toMatchObject({ seq, text });
    expect(
      [...model.chat.keys()].sort((a, b) => a - b),
      `chat of ${model.n}`,
    ).toEqual(chat.items.map(({ seq }) => seq));
  }
}

const RUNS = Number(process.env['NODES_RUNS'] ?? 30);
const FIRST = Number(process.env['NODES_SEED'] ?? 1);

const SEEDS = Array.from({ length: RUNS }, (_, i) => FIRST + i);

it.each(SEEDS)('people over nodes that die hold one history: seed %d', async (seed) => {
  await simulate(seed, 'nodes die');
});

it.each(SEEDS)('nodes put back what their log has lost: seed %d', async (seed) => {
  await simulate(seed, 'the log loses its end');
});
