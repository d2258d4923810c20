// The viewers of this node: who looks at the feed, what each holds, and the words that are for one person alone.
// Knows connections and frames; whom each may see is the matter of FeedAuthors.
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import type { UserId } from '../../../protocol/ids.ts';
import type { FeedSnapshot } from '../../../protocol/schemas/feed.ts';
import type { ActivityLog } from '../../ports/activity-log.ts';
import type { Feed } from '../../ports/feed.ts';
import type { AudienceChange } from '../../domain/people.ts';
import type { AudienceSet, Change, Friends } from '../../ports/friends.ts';
import type { Presence } from '../../ports/presence.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { Connection } from '../connection.ts';
import { FeedAuthors } from './feed-authors.ts';
import { FeedDelivery } from './feed-delivery.ts';
import { FeedView } from './feed-view.ts';
import { EVERYBODY, audienceView, newViewer, snapshotOf, type Viewer } from './feed-viewer.ts';
import { frameOf } from '../frame.ts';
import type { HubPorts } from '../hub-ports.ts';
import { EVERY_NODE } from '../listening/live-head.ts';
import type { Outbox } from '../outbox.ts';
import { PolicyTeller } from './policy-teller.ts';

export interface FeedDeskDeps {
  readonly ports: Pick<HubPorts, 'clock' | 'timers' | 'log' | 'metrics'> & {
    readonly feed: Feed;
    readonly friends: Friends;
    readonly activityLog: ActivityLog;
  };
  /** Undefined where this process is alone. */
  readonly presence: Pick<Presence, 'aliveNodes' | 'onNodes'> | undefined;
  readonly outbox: Outbox;
  /** The people of this node who listen to something learn of a changed policy at once, whether the feed can be reached or not. */
  policyChanged(userId: UserId, version: number): void;
}

const SWEEP_MS = 5_000;
/** A change whose word was lost, with the node that was to tell it, is found by asking again: so many viewers at each sweep. */
const REVIEWED_A_SWEEP = 10;
const RETRY_MS = 1_000;

export class FeedDesk {
  readonly #deps: FeedDeskDeps;
  readonly #view: FeedView;
  readonly #authors: FeedAuthors<Viewer>;
  readonly #delivery: FeedDelivery;
  readonly #teller: PolicyTeller;
  readonly #viewers = new Map<UserId, Viewer>();
  readonly #cancelSweep: () => void;
  readonly #stopDoubt: () => void;
  #review: Iterator<Viewer, undefined> | undefined;
  #isStopped = false;

  constructor(deps: FeedDeskDeps) {
    this.#deps = deps;
    const { ports, presence } = deps;
    this.#view = new FeedView({
      feed: ports.feed,
      presence: presence ?? ALONE,
      log: ports.log,
    });
    this.#delivery = new FeedDelivery({ outbox: deps.outbox, timers: ports.timers });
    this.#authors = new FeedAuthors({
      ...ports,
      view: this.#view,
      deliver: (viewers, change) => this.#delivery.deliver(viewers, change),
    });
    this.#stopDoubt = ports.feed.onDoubt(() => this.#authors.doubt());
    this.#teller = new PolicyTeller(ports);
    this.#cancelSweep = ports.timers.every(SWEEP_MS, () => void this.#sweep());
    this.#measure();
  }

  /**
   * From now on this connection is told what the person's friends listen to.
   * @returns what there is to see now; undefined where the connection has closed. Rejects with `StoreUnavailable`
   */
  async subscribe(connection: Connection, userId: UserId): Promise<FeedSnapshot | undefined> {
    const viewer = this.#viewers.get(userId) ?? this.#open(userId);
    viewer.waiting += 1;
    try {
      viewer.reading ??= this.#read(viewer);
      await viewer.reading;
      await this.#settled(viewer);
    } finally {
      viewer.waiting -= 1;
      if (viewer.audience === undefined || connection.session.phase !== 'active')
        this.#closeIfAlone(viewer);
    }
    if (connection.session.phase !== 'active' || this.#viewers.get(userId) !== viewer)
      return undefined;
    viewer.connections = [...viewer.connections.filter((each) => each !== connection), connection];
    this.#delivery.enter(connection, () => void this.#snapshot(viewer, connection, 'changed'));
    return this.#seenBy(viewer);
  }

  /** Idempotent. */
  unsubscribe(connection: Connection, userId: UserId): void {
    this.#delivery.leave(connection);
    const viewer = this.#viewers.get(userId);
    if (viewer?.connections.includes(connection) !== true) return;
    viewer.connections = viewer.connections.filter((each) => each !== connection);
    this.#closeIfAlone(viewer);
  }

  /** A connection that was behind has caught up. */
  drained(connection: Connection): void {
    const { session } = connection;
    if (!this.#delivery.drained(connection) || session.phase !== 'active') return;
    const viewer = this.#viewers.get(session.user.id);
    if (viewer !== undefined) void this.#snapshot(viewer, connection, 'behind');
  }

  /**
   * Sets who sees what a person listens to, and tells it. A private session that is ended before its time, by whatever past time, ends now,
   * instead of never having been: what was heard in it is known by its end (FE8). Rejects as `Friends.setAudience` does.
   */
  async setAudience(userId: UserId, change: AudienceChange): Promise<AudienceSet> {
    const { friends, clock } = this.#deps.ports;
    let { privateUntil } = change;
    const now = Math.floor(clock.now());
    if (privateUntil === null || (privateUntil !== undefined && privateUntil <= now)) {
      const before = (await friends.audience(userId))?.privateUntil ?? null;
      privateUntil = before === null ? null : Math.min(before, now);
    }
    const set = await friends.setAudience(userId, {
      ...change,
      ...(privateUntil === undefined ? {} : { privateUntil }),
    });
    this.tell(set);
    return set;
  }

  /**
   * To be called after every change of friends, with what it answered: all nodes and pages learn of it, those of this node also while the
   * feed is away. Never rejects.
   */
  tell({ policies, overviews }: Pick<Change<string>, 'policies' | 'overviews'>): void {
    for (const { userId, version } of policies) {
      this.#deps.policyChanged(userId, version);
      this.#authors.policyChanged(userId, version);
      const viewer = this.#viewers.get(userId);
      if (viewer !== undefined) this.#ownPolicyChanged(viewer, version);
      this.#teller.tell(userId, version);
    }
    for (const userId of overviews) void this.signal(userId, { type: 'friends.changed' });
  }

  /** Tells all connections of a person that look at the feed, on whatever node. Never rejects: what cannot be told is not. */
  async signal(userId: UserId, push: JsonObject): Promise<void> {
    try {
      await this.#deps.ports.feed.signal(userId, push);
    } catch (error) {
      this.#failed(error, 'a person could not be told');
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelSweep();
    this.#stopDoubt();
    this.#teller.stop();
    this.#authors.stop();
    for (const viewer of this.#viewers.values()) this.#close(viewer);
    this.#view.stop();
  }

  #open(userId: UserId): Viewer {
    const viewer = newViewer(userId);
    this.#viewers.set(userId, viewer);
    viewer.signals = this.#deps.ports.feed.subscribe(
      userId,
      () => undefined,
      (signal) => this.#signalled(viewer, signal),
    );
    // Friends come and go by changes of both policies: one's own tells whom to look at.
    viewer.self = this.#view.watch([userId], (_, { policyVersion }) =>
      this.#ownPolicyChanged(viewer, policyVersion),
    );
    return viewer;
  }

  #ownPolicyChanged(viewer: Viewer, version: number): void {
    viewer.toldVersion = Math.max(viewer.toldVersion, version);
    if (viewer.audience !== undefined && viewer.toldVersion > viewer.version)
      this.#readAgain(viewer);
  }

  #closeIfAlone(viewer: Viewer): void {
    if (viewer.connections.length + viewer.waiting > 0) return;
    if (this.#viewers.get(viewer.id) === viewer) this.#close(viewer);
  }

  #close(viewer: Viewer): void {
    this.#viewers.delete(viewer.id);
    viewer.self?.stop();
    viewer.signals?.stop();
    this.#authors.leave(viewer);
  }

  /** Whom this person may look at, and whom they let look. Rejects with `StoreUnavailable`. */
  async #read(viewer: Viewer): Promise<void> {
    const { friends } = this.#deps.ports;
    try {
      const told = viewer.toldVersion;
      const { version } = await friends.grantsOf(viewer.id, []);
      const [grants, audience] = await Promise.all([
        friends.grantsFor(viewer.id),
        friends.audience(viewer.id),
      ]);
      if (this.#viewers.get(viewer.id) !== viewer) return;
      viewer.version = Math.max(told, version);
      await this.#authors.look(viewer, grants);
      const before = viewer.audience;
      viewer.audience =
        audience === undefined ? EVERYBODY : audienceView(audience, this.#deps.ports.clock.now());
      if (before !== undefined && JSON.stringify(before) !== JSON.stringify(viewer.audience))
        this.#push(viewer, { type: 'audience.changed', audience: viewer.audience });
    } finally {
      viewer.reading = undefined;
      // Who came and left meanwhile is not looked for.
      if (this.#viewers.get(viewer.id) !== viewer) this.#authors.leave(viewer);
    }
    if (viewer.toldVersion > viewer.version) await (viewer.reading ??= this.#read(viewer));
  }

  /** Tried until it is done: meanwhile the authors' own policies decide who sees them. */
  #readAgain(viewer: Viewer): void {
    if (viewer.reading !== undefined || this.#viewers.get(viewer.id) !== viewer) return;
    viewer.reading = this.#read(viewer);
    viewer.reading.catch((error: unknown) => {
      this.#failed(error, 'whom somebody may look at could not be asked');
      if (!this.#isStopped) this.#deps.ports.timers.after(RETRY_MS, () => this.#readAgain(viewer));
    });
  }

  #signalled(viewer: Viewer, signal: JsonObject): void {
    // The overview has changed: so may have those whom one may look at.
    if (signal['type'] === 'friends.changed' && viewer.audience !== undefined)
      this.#readAgain(viewer);
    this.#push(viewer, signal);
  }

  #push(viewer: Viewer, push: object): void {
    const frame = frameOf(push);
    for (const connection of viewer.connections) this.#deps.outbox.enqueue(connection, frame);
  }

  /** What leaves goes by policies that are known: nothing of whom it is asked. */
  async #settled(viewer: Viewer): Promise<void> {
    for (;;) {
      const settled = this.#authors.settled(viewer);
      if (settled === undefined) return;
      await settled;
    }
  }

  async #snapshot(
    viewer: Viewer,
    connection: Connection,
    reason: 'behind' | 'changed',
  ): Promise<void> {
    if (this.#authors.settled(viewer) !== undefined) await this.#settled(viewer);
    if (!viewer.connections.includes(connection)) return;
    const snapshot = { type: 'feed.snapshot', ...this.#seenBy(viewer), reason };
    this.#deps.outbox.enqueue(connection, frameOf(snapshot));
  }

  #seenBy(viewer: Viewer): FeedSnapshot {
    return snapshotOf(viewer, this.#authors.itemsFor(viewer));
  }

  async #sweep(): Promise<void> {
    await this.#view.sweep();
    for (let n = 0; n < REVIEWED_A_SWEEP; n += 1) {
      this.#review ??= this.#viewers.values();
      const next = this.#review.next();
      if (next.done === true) {
        this.#review = undefined;
        return;
      }
      this.#readAgain(next.value);
    }
  }

  #failed(error: unknown, message: string): void {
    const { log } = this.#deps.ports;
    if (error instanceof StoreUnavailable) log.debug({ err: error }, message);
    else log.error({ err: error }, message);
  }

  #measure(): void {
    const { metrics } = this.#deps.ports;
    const gauge = (name: string, help: string, read: () => number): void =>
      metrics.gauge({ name: `earshot_feed_${name}`, help }, read);
    const total = (name: string, help: string, read: () => number): void =>
      metrics.total({ name: `earshot_feed_${name}_total`, help }, read);
    gauge('viewers', 'People of this node who look at the feed.', () => this.#viewers.size);
    gauge('authors', 'People who are looked at from this node.', () => this.#authors.size);
    gauge(
      'subscriptions',
      'Pairs of a viewer and an author on this node.',
      () => this.#authors.ties,
    );
    total('deliveries', 'Changes of the feed sent to connections.', () => this.#delivery.delivered);
    total(
      'withheld',
      'Changes not sent to connections that were behind; they get a snapshot.',
      () => this.#delivery.withheld,
    );
    total(
      'retractions',
      'Times that something shown was taken away.',
      () => this.#authors.retracted,
    );
    total(
      'policies_asked',
      'Questions to the store about who may see somebody.',
      () => this.#authors.asked,
    );
    gauge(
      'policies_untold',
      'Changes of policies that the other nodes could not be told of yet.',
      () => this.#teller.size,
    );
  }
}

/** The only process: whatever is published is its own, or of the one that it follows. */
const ALONE: Pick<Presence, 'aliveNodes' | 'onNodes'> = {
  aliveNodes: EVERY_NODE,
  onNodes: () => () => undefined,
};
