// All nodes of the service, for operators: each is asked what it is at, and one can be told to send its people elsewhere.
// Knows the channel on which nodes talk; knows no HTTP.
import { z } from 'zod';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { NodeId } from '../ports/bus.ts';
import type { Feed, FeedSubscription } from '../ports/feed.ts';
import type { Log } from '../ports/log.ts';
import type { Timers } from '../ports/timers.ts';
import { hearNodes, tellNodes } from './node-words.ts';

const count = z.int().min(0);
const NodeReportSchema = z.object({
  id: z.string().max(64),
  /** The name of its machine, pod or container, as the system there has it; older nodes tell none. */
  host: z.string().max(255).exactOptional(),
  /** Which of the workers of its machine; absent where there is one process. */
  worker: count.exactOptional(),
  /** The version of the package that it runs; older nodes tell none. */
  release: z.string().max(64).exactOptional(),
  /** Of the protocol. */
  version: z.string().max(64),
  /** By the clock on the wall, ms since 1970. */
  startedAt: z.number(),
  connections: count,
  rooms: count,
  isReady: z.boolean(),
  reasons: z.array(z.string()),
  away: z.array(z.string()),
});
export type NodeReport = z.infer<typeof NodeReportSchema>;

const RoomReportSchema = z.object({
  id: z.string().max(64),
  code: z.string().max(64),
  name: z.string(),
  visibility: z.enum(['public', 'unlisted', 'private']),
  /** On all nodes. */
  hereCount: count,
});
export type RoomReport = z.infer<typeof RoomReportSchema>;

/** What is asked of nodes, and what each answers with. */
const WordSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('nodes.asked'),
    id: z.string().max(64),
    about: z.enum(['node', 'rooms']),
  }),
  z.object({
    type: z.literal('nodes.drain'),
    id: z.string().max(64),
    node: z.string().max(64),
    withinMs: z.number().min(0).exactOptional(),
  }),
  z.object({
    type: z.literal('nodes.told'),
    id: z.string().max(64),
    node: NodeReportSchema,
    rooms: z.array(RoomReportSchema).exactOptional(),
  }),
]);
type Word = z.infer<typeof WordSchema>;
type Told = Extract<Word, { type: 'nodes.told' }>;

/** A node that says nothing for so long is told of as missing. */
const PATIENCE_MS = 2_000;
/** Of each node, the fullest: a message between nodes stays small. */
const MOST_ROOMS = 200;

export interface FellowNodesDeps {
  readonly nodeId: NodeId;
  readonly feed: Pick<Feed, 'signal' | 'subscribe'>;
  readonly timers: Timers;
  readonly log: Log;
  /** Nodes whose lease runs, this one among them. */
  readonly alive: () => ReadonlySet<NodeId>;
  /** What this node is at. */
  readonly report: () => NodeReport;
  /** The rooms that this node holds. */
  readonly rooms: () => Iterable<RoomReport>;
  /** Begins to send the people of this node elsewhere. */
  readonly drain: (withinMs: number | undefined) => void;
  /** Another one each time. */
  readonly newId: () => string;
}

interface Question {
  readonly missing: Set<NodeId>;
  readonly answers: Told[];
  readonly done: () => void;
}

export class FellowNodes {
  readonly #deps: FellowNodesDeps;
  readonly #subscription: FeedSubscription;
  readonly #questions = new Map<string, Question>();

  constructor(deps: FellowNodesDeps) {
    this.#deps = deps;
    this.#subscription = hearNodes(deps.feed, (word) => this.#heard(word));
  }

  /** All nodes that answer, and those that should have. Rejects with `StoreUnavailable` where they cannot be asked. */
  async nodes(): Promise<{
    readonly nodes: readonly NodeReport[];
    readonly missing: readonly NodeId[];
  }> {
    const { answers, missing } = await this.#ask(this.#deps.alive(), (id) => ({
      type: 'nodes.asked',
      id,
      about: 'node',
    }));
    const nodes = answers.map(({ node }) => node).sort((a, b) => (a.id < b.id ? -1 : 1));
    return { nodes, missing };
  }

  /**
   * Rooms that are held by any node, the fullest first; of each node the fullest 200 at most.
   * Rejects with `StoreUnavailable` where they cannot be asked.
   */
  async rooms(): Promise<{
    readonly rooms: readonly RoomReport[];
    readonly missing: readonly NodeId[];
  }> {
    const { answers, missing } = await this.#ask(this.#deps.alive(), (id) => ({
      type: 'nodes.asked',
      id,
      about: 'rooms',
    }));
    const byId = new Map<string, RoomReport>();
    for (const room of answers.flatMap(({ rooms }) => rooms ?? [])) {
      const other = byId.get(room.id);
      // One that has just brought it into memory may not know of everybody yet.
      if (other === undefined || other.hereCount < room.hereCount) byId.set(room.id, room);
    }
    return { rooms: fullestFirst(byId.values()), missing };
  }

  /**
   * Tells a node to send its people elsewhere, and to take nobody any more until it is started again.
   * @returns what it is at then; `missing` where it does not answer, undefined where there is no such node. Rejects with `StoreUnavailable`
   */
  async drain(
    node: NodeId,
    withinMs: number | undefined,
  ): Promise<NodeReport | 'missing' | undefined> {
    if (!this.#deps.alive().has(node)) return undefined;
    const { answers } = await this.#ask(new Set([node]), (id) => ({
      type: 'nodes.drain',
      id,
      node,
      ...(withinMs === undefined ? {} : { withinMs }),
    }));
    return answers[0]?.node ?? 'missing';
  }

  stop(): void {
    this.#subscription.stop();
    for (const { done } of [...this.#questions.values()]) done();
  }

  async #ask(
    of: ReadonlySet<NodeId>,
    wordOf: (id: string) => Word,
  ): Promise<{ readonly answers: readonly Told[]; readonly missing: readonly NodeId[] }> {
    const { nodeId, timers, newId, feed } = this.#deps;
    const id = newId();
    const word = wordOf(id);
    const missing = new Set(of);
    const answers: Told[] = [];
    // This one answers by itself, also where the channel is away for a moment.
    if (missing.delete(nodeId)) answers.push(this.#answer(word));
    if (missing.size === 0) return { answers, missing: [] };
    let done = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      done = resolve;
    });
    this.#questions.set(id, { missing, answers, done });
    const cancel = timers.after(PATIENCE_MS, done);
    try {
      await tellNodes(feed, word);
      await over;
    } finally {
      cancel();
      this.#questions.delete(id);
    }
    return { answers, missing: [...missing] };
  }

  /** What is told to all nodes comes back to the one that told it, too. */
  #heard(signal: JsonObject): void {
    const parsed = WordSchema.safeParse(signal);
    // The channel has other words as well.
    if (!parsed.success) return;
    const word = parsed.data;
    if (word.type === 'nodes.told') {
      this.#told(word);
      return;
    }
    const { nodeId, feed, log } = this.#deps;
    const isForUs = word.type === 'nodes.asked' || word.node === nodeId;
    if (!isForUs || this.#questions.has(word.id)) return;
    tellNodes(feed, this.#answer(word)).catch((error: unknown) => {
      log.debug({ err: error }, 'another node could not be answered');
    });
  }

  #answer(word: Word): Told {
    const { report, rooms, drain } = this.#deps;
    if (word.type === 'nodes.drain') drain(word.withinMs);
    const told: Told = { type: 'nodes.told', id: word.id, node: report() };
    if (word.type !== 'nodes.asked' || word.about === 'node') return told;
    return { ...told, rooms: fullestFirst(rooms()).slice(0, MOST_ROOMS).map(asTold) };
  }

  #told(told: Told): void {
    const question = this.#questions.get(told.id);
    if (question?.missing.delete(told.node.id) !== true) return;
    question.answers.push(told);
    if (question.missing.size === 0) question.done();
  }
}

function fullestFirst(rooms: Iterable<RoomReport>): RoomReport[] {
  return [...rooms].sort((a, b) => b.hereCount - a.hereCount || (a.id < b.id ? -1 : 1));
}

/** Without whatever else the one who lists rooms knows of them: it is not for operators, and would make the message long. */
function asTold({ id, code, name, visibility, hereCount }: RoomReport): RoomReport {
  return { id, code, name, visibility, hereCount };
}
