// Which tokens an operator has taken back: all that hold, in memory, so that nobody is let in by one while a store is away. Knows no sockets.
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { UserId } from '../../protocol/ids.ts';
import type { TokenTerms } from '../ports/authenticator.ts';
import type { Feed } from '../ports/feed.ts';
import type { Log } from '../ports/log.ts';
import {
  isInForce,
  type Revocation,
  type RevocationDraft,
  type RevocationSubject,
  type Revocations,
} from '../ports/revocations.ts';
import { StoreUnavailable } from '../ports/room-log.ts';
import type { Timers } from '../ports/timers.ts';
import { hearNodes, tellNodes } from './node-words.ts';

const REVOKED = 'token.revoked';
/** What was not heard is found so soon. */
const EVERY_MS = 5_000;
/** A change may become visible so much later than its stamp says. */
const OVERLAP_MS = 60_000;

export interface RevokedTokensDeps {
  readonly revocations: Revocations;
  readonly feed: Pick<Feed, 'signal' | 'subscribe' | 'onDoubt'>;
  readonly timers: Timers;
  readonly log: Log;
  /** The clock on the wall, ms since 1970: tokens are by it. */
  readonly wallNow: () => number;
  /**
   * How far the clock of who signs tokens may be ahead of that of who revokes, ms. Nodes' own clocks count as well: a guest's token
   * may be made by another node.
   */
  readonly clockToleranceMs: number;
}

export class RevokedTokens {
  readonly #deps: RevokedTokensDeps;
  /** By what they are about. */
  readonly #known = new Map<string, Revocation>();
  readonly #listeners = new Set<(revocation: Revocation) => void>();
  readonly #stops: (() => void)[] = [];
  /** The newest change that was read. */
  #readTo: number | undefined;
  #reading: Promise<void> | undefined;
  #isReadAgain = false;

  constructor(deps: RevokedTokensDeps) {
    this.#deps = deps;
  }

  /** Resolves when it knows all that holds. Rejects with `StoreUnavailable`: then it may be started again. */
  async start(): Promise<void> {
    await this.#read();
    const { feed, timers } = this.#deps;
    // First it listens, then it reads: what is told in between is in one of them.
    const heard = hearNodes(feed, (signal) => this.#heard(signal));
    this.#stops.push(
      () => heard.stop(),
      feed.onDoubt(() => this.#readSoon()),
      timers.every(EVERY_MS, () => this.#readSoon()),
    );
    this.#readSoon();
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Why the token is not good any more; undefined where it is. */
  refusal(userId: UserId, { tokenId, issuedAtMs }: TokenTerms): string | undefined {
    if (this.isBanned(userId)) return 'this person may not come here any more';
    const ofUser = this.#known.get(keyOf({ kind: 'user', userId }));
    const isRevoked =
      (tokenId !== undefined && this.#holds(this.#known.get(keyOf({ kind: 'token', tokenId })))) ||
      (this.#holds(ofUser) && this.#mayBeOlder(issuedAtMs, ofUser));
    return isRevoked ? 'the token was revoked' : undefined;
  }

  isBanned(userId: UserId): boolean {
    return this.#holds(this.#known.get(keyOf({ kind: 'ban', userId })));
  }

  /** Durable when it resolves; the other nodes are told, or find it soon. Rejects with `StoreUnavailable`. */
  async revoke(draft: RevocationDraft): Promise<Revocation> {
    const revocation = await this.#deps.revocations.add(draft);
    await this.#told(revocation);
    return revocation;
  }

  /** As `revoke`. Undefined where there is none such. */
  async lift(id: string): Promise<Revocation | undefined> {
    const revocation = await this.#deps.revocations.lift(id, this.#deps.wallNow());
    if (revocation !== undefined) await this.#told(revocation);
    return revocation;
  }

  page(limit: number, after?: string): Promise<readonly Revocation[]> {
    return this.#deps.revocations.page(this.#deps.wallNow(), limit, after);
  }

  /** Told once for each that holds, and perhaps again. Returns the remover. */
  onRevoked(listener: (revocation: Revocation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Whether a token may have been made before the revocation. One that says it was made a moment after it may be stolen, and signed by
   * a clock that is ahead. That holds for guests too, and costs them nothing: they come back by no token once all are revoked.
   */
  #mayBeOlder(issuedAtMs: number | undefined, { at }: Revocation): boolean {
    // A token that does not say when it was made may be an old one.
    return issuedAtMs === undefined || issuedAtMs <= at + this.#deps.clockToleranceMs;
  }

  #holds(revocation: Revocation | undefined): revocation is Revocation {
    return revocation !== undefined && isInForce(revocation, this.#deps.wallNow());
  }

  async #told(revocation: Revocation): Promise<void> {
    this.#learn(revocation);
    const { feed, log } = this.#deps;
    try {
      // As JSON has it: what is undefined is not there.
      const told = JSON.parse(JSON.stringify(revocation)) as JsonObject;
      await tellNodes(feed, { type: REVOKED, revocation: told });
    } catch (error) {
      const level = error instanceof StoreUnavailable ? 'warn' : 'error';
      log[level]({ err: error }, 'the other nodes could not be told of a revocation: they find it');
    }
  }

  /** It holds at once, and is read after that: the store's word counts, whatever order the words come in. */
  #heard({ type, revocation }: JsonObject): void {
    if (type !== REVOKED) return;
    this.#learn({ endsAt: undefined, reason: undefined, ...(revocation as object) } as Revocation);
    this.#readSoon();
  }

  #readSoon(): void {
    if (this.#reading !== undefined) {
      this.#isReadAgain = true;
      return;
    }
    this.#reading = this.#read()
      .catch((error: unknown) => {
        const level = error instanceof StoreUnavailable ? 'debug' : 'error';
        this.#deps.log[level]({ err: error }, 'what was revoked could not be read');
      })
      .finally(() => {
        this.#reading = undefined;
        if (!this.#isReadAgain) return;
        this.#isReadAgain = false;
        this.#readSoon();
      });
  }

  async #read(): Promise<void> {
    const { revocations, wallNow } = this.#deps;
    const since = this.#readTo === undefined ? undefined : this.#readTo - OVERLAP_MS;
    const changes = await revocations.changes(since, wallNow());
    for (const { revocation, changedAt } of changes) {
      this.#learn(revocation);
      this.#readTo = Math.max(this.#readTo ?? 0, changedAt);
    }
    this.#readTo ??= 0;
    this.#forgetEnded();
  }

  #learn(revocation: Revocation): void {
    const key = keyOf(revocation);
    if (isSame(this.#known.get(key), revocation)) return;
    if (!this.#holds(revocation)) {
      this.#known.delete(key);
      return;
    }
    this.#known.set(key, revocation);
    for (const listener of this.#listeners) listener(revocation);
  }

  #forgetEnded(): void {
    for (const [key, revocation] of this.#known)
      if (!this.#holds(revocation)) this.#known.delete(key);
  }
}

function keyOf(subject: RevocationSubject): string {
  return `${subject.kind} ${subject.kind === 'token' ? subject.tokenId : subject.userId}`;
}

function isSame(a: Revocation | undefined, b: Revocation): boolean {
  return a !== undefined && a.id === b.id && a.at === b.at && a.endsAt === b.endsAt;
}
