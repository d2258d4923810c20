// Who is in a room on the other nodes, and the telling of who is on this one. Knows the presence port; knows no sockets and no log.
import type { RoomId, UserId } from '../../../protocol/ids.ts';
import type { NodeId } from '../../ports/bus.ts';
import type {
  Presence,
  PresenceChange,
  PresentPeople,
  PresentPerson,
} from '../../ports/presence.ts';
import type { Timers } from '../../ports/timers.ts';

export interface RoomElsewhereDeps {
  readonly nodeId: NodeId;
  readonly presence: Presence;
  readonly timers: Timers;
  /** Who comes and goes here within this window is told as one, ms. */
  readonly batchMs: number;
  /** Undefined for who is not connected here. */
  nameHere(userId: UserId): string | undefined;
  idsHere(): Iterable<UserId>;
  /** Somebody who is not connected here is on another node now. */
  entered(userId: UserId, name: string): void;
  left(userId: UserId): void;
  /** After any number of these. */
  changed(): void;
  /** Somebody who is connected here has connected to another node since: here they no longer count. */
  replaced(userId: UserId): void;
  failed(error: unknown): void;
}

const RETRY_MS = 1_000;

interface Person {
  readonly name: string;
  readonly node: NodeId;
}

export class RoomElsewhere {
  readonly #roomId: RoomId;
  readonly #deps: RoomElsewhereDeps;
  /** Nobody in it is connected here. */
  readonly #people = new Map<UserId, Person>();
  readonly #byNode = new Map<NodeId, number>();
  #version = 0;
  /** Those who came or went here since the others were told. */
  #dirty = new Set<UserId>();
  /** Those of whom the others are being told. */
  #telling: Set<UserId> | undefined;
  #reading: Promise<void> | undefined;
  #newestHeard = 0;
  #cancelTell: (() => void) | undefined;

  constructor(roomId: RoomId, initial: PresentPeople, deps: RoomElsewhereDeps) {
    this.#roomId = roomId;
    this.#deps = deps;
    this.#take(initial);
  }

  get count(): number {
    return this.#people.size;
  }

  /** Everybody has been told of who is here. */
  get isTold(): boolean {
    return this.#dirty.size === 0 && this.#telling === undefined;
  }

  has(userId: UserId): boolean {
    return this.#people.has(userId);
  }

  /** Those on other nodes. */
  *people(): Generator<{ readonly userId: UserId; readonly name: string }, void> {
    for (const [userId, { name }] of this.#people) yield { userId, name };
  }

  /** The nodes with people in the room, this one aside. */
  nodes(): Iterable<NodeId> {
    return this.#byNode.keys();
  }

  /** Somebody has come or gone here: the others are told soon. */
  touch(userId: UserId): void {
    if (this.#deps.nameHere(userId) !== undefined) this.#remove(userId);
    this.#dirty.add(userId);
    this.#scheduleTelling(this.#deps.batchMs);
  }

  /** The lease of this node had lapsed: the others take its people for gone. */
  enterAll(): void {
    for (const userId of this.#deps.idsHere()) this.touch(userId);
  }

  hear(change: PresenceChange): void {
    this.#newestHeard = Math.max(this.#newestHeard, change.version);
    if (this.#reading !== undefined || change.version <= this.#version) return;
    if (change.version === this.#version + 1) this.#apply(change);
    else this.#readInBackground();
  }

  /** Compares with the version that the store has: a message that was lost shows here. */
  compare(version: number): void {
    if (version !== this.#version && this.#telling === undefined) this.#readInBackground();
  }

  nodesDied(died: readonly NodeId[]): void {
    if (!died.some((node) => this.#byNode.has(node))) return;
    for (const [userId, { node }] of [...this.#people]) {
      if (died.includes(node)) this.#gone(userId);
    }
    this.#deps.changed();
  }

  /** Takes the store's word for who is where. Rejects with `StoreUnavailable`. */
  read(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  stop(): void {
    this.#cancelTell?.();
  }

  async #read(): Promise<void> {
    for (;;) {
      this.#newestHeard = 0;
      const people = await this.#deps.presence.read(this.#roomId);
      this.#take(people);
      this.#deps.changed();
      // What was heard meanwhile may be in what was read, or not.
      if (this.#newestHeard <= people.version) return;
    }
  }

  #readInBackground(): void {
    this.read().catch((error: unknown) => this.#deps.failed(error));
  }

  #take({ version, people }: PresentPeople): void {
    this.#version = version;
    const isUntold = (userId: UserId): boolean =>
      this.#dirty.has(userId) || this.#telling?.has(userId) === true;
    const known = new Map(people.map((person) => [person.userId, person]));
    for (const userId of [...this.#people.keys()]) {
      const person = known.get(userId);
      if (person === undefined || person.node === this.#deps.nodeId) this.#gone(userId);
    }
    for (const person of people) {
      if (person.node !== this.#deps.nodeId) this.#found(person);
      // The store has somebody here who has gone without its having been told.
      else if (this.#deps.nameHere(person.userId) === undefined && !isUntold(person.userId))
        this.touch(person.userId);
    }
    for (const userId of [...this.#deps.idsHere()]) {
      if (!known.has(userId) && !isUntold(userId)) this.touch(userId);
    }
  }

  #apply({ version, node, entered, left }: PresenceChange): void {
    this.#version = version;
    if (node === this.#deps.nodeId) {
      for (const { userId } of entered) this.#telling?.delete(userId);
      for (const userId of left) this.#telling?.delete(userId);
      return;
    }
    for (const { userId, name } of entered) this.#found({ userId, name, node });
    for (const userId of left) if (this.#people.get(userId)?.node === node) this.#gone(userId);
    this.#deps.changed();
  }

  /** The store has this person on another node. */
  #found({ userId, name, node }: PresentPerson): void {
    if (this.#deps.nameHere(userId) !== undefined) {
      // Of two who come at once the store has an order: whoever is told of later is the one that counts.
      if (this.#dirty.has(userId) || this.#telling?.has(userId) === true) return;
      this.#deps.replaced(userId);
    }
    const before = this.#people.get(userId);
    this.#remove(userId);
    this.#people.set(userId, { name, node });
    this.#byNode.set(node, (this.#byNode.get(node) ?? 0) + 1);
    if (before?.name !== name) this.#deps.entered(userId, name);
  }

  #gone(userId: UserId): void {
    this.#remove(userId);
    if (this.#deps.nameHere(userId) === undefined) this.#deps.left(userId);
  }

  #remove(userId: UserId): void {
    const person = this.#people.get(userId);
    if (person === undefined) return;
    this.#people.delete(userId);
    const others = (this.#byNode.get(person.node) ?? 1) - 1;
    if (others > 0) this.#byNode.set(person.node, others);
    else this.#byNode.delete(person.node);
  }

  #scheduleTelling(delayMs: number): void {
    if (this.#telling !== undefined) return;
    this.#cancelTell ??= this.#deps.timers.after(delayMs, () => {
      this.#cancelTell = undefined;
      void this.#tell();
    });
  }

  async #tell(): Promise<void> {
    const { presence } = this.#deps;
    const telling = this.#dirty;
    this.#dirty = new Set();
    this.#telling = new Set(telling);
    const entered: { userId: UserId; name: string }[] = [];
    const left: UserId[] = [];
    for (const userId of telling) {
      const name = this.#deps.nameHere(userId);
      if (name === undefined) left.push(userId);
      else entered.push({ userId, name });
    }
    try {
      const { version } = await presence.change(this.#roomId, { entered, left });
      this.#telling = undefined;
      if (version === this.#version + 1 && this.#reading === undefined) this.#version = version;
      if (this.#dirty.size > 0) this.#scheduleTelling(this.#deps.batchMs);
    } catch (error) {
      this.#telling = undefined;
      for (const userId of telling) this.#dirty.add(userId);
      this.#deps.failed(error);
      this.#scheduleTelling(RETRY_MS);
    }
  }
}
