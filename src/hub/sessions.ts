// From an open socket to a known person and back: hello, refresh, and the end of a token.
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import { MAX_FRAME_BYTES, errorReply } from '../../protocol/codec.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { UserId } from '../../protocol/ids.ts';
import type { Limits, Push, ReplyBodies, User } from '../../protocol/schemas/pushes.ts';
import type { RequestOf } from '../../protocol/schemas/requests.ts';
import type { Verified } from '../ports/authenticator.ts';
import { StoreUnavailable } from '../ports/room-log.ts';
import type { Socket } from '../ports/sockets.ts';
import { Connection, type Session } from './connection.ts';
import { frameOf, okFrame } from './frame.ts';
import { costOf } from './handlers/handlers.ts';
import type { HubMetrics } from './hub-metrics.ts';
import type { HubOptions } from './hub-options.ts';
import type { HubPorts } from './hub-ports.ts';
import type { Outbox } from './outbox.ts';
import type { OverloadLog } from './overload-log.ts';
import type { People } from './people.ts';
import type { StandingWatch } from './standing-watch.ts';
import { Turns, type Turn } from './turns.ts';

const SWEEP_MS = 5_000;
const FEATURES = ['rooms', 'chat', 'reactions', 'clock', `protocol:${PROTOCOL_VERSION}`] as const;
/** Only where the stores of it are configured. */
const FEED_FEATURE = 'feed';

/** Who said hello is answered within so many times the time for saying it, or closed. Clients wait no longer. */
const HELLO_PATIENCE = 3;

const ACCOUNT_GONE = 'there is no such guest any more, or the device was revoked';

/** Somebody whose token is good, while the store is asked for them. */
interface LookUp {
  readonly userId: UserId;
  readonly deviceId: string | undefined;
  /** Let go of meanwhile: what the store answers is older. */
  isGone: boolean;
}

interface Known {
  readonly user: User;
  readonly isStored: boolean;
}

/** The session as it is now: the compiler would hold on to what it was before an await. */
function sessionOf(connection: Connection): Session {
  return connection.session;
}

export class Sessions {
  readonly #ports: HubPorts;
  readonly #options: HubOptions;
  readonly #people: People;
  readonly #outbox: Outbox;
  readonly #metrics: HubMetrics;
  readonly #standing: Pick<StandingWatch, 'look'> | undefined;
  readonly #lookUps = new Set<LookUp>();
  readonly #connections: () => Iterable<Connection>;
  readonly #overloads: Pick<OverloadLog, 'closed'>;
  readonly #limits: Limits;
  /** Of those whose hello is looked at: ten thousand who come back at once are not to keep everybody else waiting. */
  readonly #turns: Turns;
  #cancelSweep: (() => void) | undefined;

  constructor(
    ports: HubPorts,
    options: HubOptions,
    people: People,
    outbox: Outbox,
    metrics: HubMetrics,
    standing: Pick<StandingWatch, 'look'> | undefined,
    connections: () => Iterable<Connection>,
    overloads: Pick<OverloadLog, 'closed'>,
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#people = people;
    this.#outbox = outbox;
    this.#metrics = metrics;
    this.#standing = standing;
    this.#connections = connections;
    this.#overloads = overloads;
    this.#turns = new Turns(options.maxHellosAtOnce);
    this.#limits = {
      maxFrameBytes: MAX_FRAME_BYTES,
      maxQueueEntries: options.domain.maxQueueEntries,
      maxRoomMembers: options.maxRoomMembers,
      maxRoomsPerConnection: options.maxRoomsPerConnection,
      requestsPerSecond: options.connectionRate.perSecond,
      requestBurst: options.connectionRate.burst,
    };
  }

  get hellosWaiting(): number {
    return this.#turns.waiting;
  }

  start(): void {
    // One sweep for all tokens: a timer for each connection would cost more than the connection.
    this.#cancelSweep = this.#ports.timers.every(SWEEP_MS, () => this.#sweep());
  }

  stop(): void {
    this.#cancelSweep?.();
  }

  /** Whoever is looked up at this moment, by that device if one is given, is let in no more. */
  turnAway(userId: UserId, deviceId?: string): void {
    for (const lookUp of this.#lookUps) {
      if (lookUp.userId !== userId) continue;
      if (deviceId === undefined || lookUp.deviceId === deviceId) lookUp.isGone = true;
    }
  }

  /** @param address of the client, as far as a proxy tells it */
  greet(socket: Socket, address: string): Connection {
    const connectionId = this.#ports.random.connectionId();
    const connection: Connection = new Connection(connectionId, socket, address, {
      phase: 'greeting',
      cancelTimeout: this.#ports.timers.after(this.#options.helloTimeoutMs, () =>
        this.#outbox.close(connection, 'hello_timeout'),
      ),
    });
    return connection;
  }

  async hello(connection: Connection, request: RequestOf<'hello'>): Promise<void> {
    const { session } = connection;
    if (session.phase !== 'greeting') {
      this.#outbox.enqueue(
        connection,
        frameOf(errorReply(request.id, refuse('conflict', 'hello was said already'))),
      );
      return;
    }
    session.cancelTimeout();
    let turn: Turn | undefined;
    // A store that hangs must not keep a stranger's socket open, nor others from their turn for longer than that.
    const cancelTimeout = this.#ports.timers.after(
      HELLO_PATIENCE * this.#options.helloTimeoutMs,
      () => this.#outbox.close(connection, 'hello_timeout'),
    );
    const cancel = (): void => {
      cancelTimeout();
      turn?.giveBack();
    };
    connection.session = { phase: 'authenticating', cancelTimeout: cancel };
    let verified: Verified;
    let known: Known | undefined;
    try {
      // Beforehand: keys that have to be fetched keep nobody from their turn.
      verified = await this.#ports.authenticator.verify(request.token);
      if (verified.kind === 'ok') {
        if (!this.#mayTakeTurn(connection, request, verified)) return;
        turn = this.#turns.take();
        await turn.come;
        if (sessionOf(connection).phase !== 'authenticating') return;
        known = await this.#known(verified.user, verified.terms.deviceId);
      }
    } catch (error) {
      this.#ports.log.warn(
        { connectionId: connection.id, err: error },
        'a hello could not be checked',
      );
      const refusal = refuse('unavailable', 'the hub cannot check tokens for the moment');
      this.#turnAway(connection, request.id, refusal, 'overloaded');
      return;
    } finally {
      turn?.giveBack();
    }
    // While the store was asked, the socket may have closed or the timeout have struck.
    const greeted = sessionOf(connection);
    if (greeted.phase !== 'authenticating') return;
    if (verified.kind === 'expired') {
      const refusal = refuse('unauthorised', 'the token has expired');
      this.#turnAway(connection, request.id, refusal, 'token_expired');
      return;
    }
    if (verified.kind === 'invalid' || known === undefined) {
      const reason = verified.kind === 'invalid' ? verified.reason : ACCOUNT_GONE;
      this.#turnAway(connection, request.id, refuse('unauthorised', reason), 'unauthorised');
      return;
    }
    const { user, isStored } = known;
    // Asked again: it may have been revoked while the store was asked.
    if (this.#isRevoked(connection, request, verified)) return;
    this.#takeOver(user, request.replaces);
    if (!this.#people.entered(user.id, connection)) {
      this.#refuseOneMore(connection, request);
      return;
    }
    greeted.cancelTimeout();
    const now = this.#ports.clock.now();
    connection.session = {
      phase: 'active',
      user,
      terms: verified.terms,
      isStored,
      expiresAt: now + verified.expiresInMs,
      warned: false,
    };
    const body: ReplyBodies['hello'] = {
      user,
      connectionId: connection.id,
      hub: { now, timelineId: this.#ports.clock.timelineId },
      limits: this.#limits,
      heartbeatMs: this.#options.heartbeatMs,
      features: this.#ports.feed === undefined ? [...FEATURES] : [...FEATURES, FEED_FEATURE],
      tokenExpiresInMs: verified.expiresInMs,
    };
    this.#outbox.enqueue(connection, okFrame(request.id, JSON.stringify(body).slice(1, -1)));
  }

  /** What is known without asking anybody: a token in a loop costs the others neither their turn nor the store. */
  #mayTakeTurn(
    connection: Connection,
    request: RequestOf<'hello'>,
    verified: Extract<Verified, { kind: 'ok' }>,
  ): boolean {
    const { id } = verified.user;
    // It may have closed while the token was looked at.
    if (sessionOf(connection).phase !== 'authenticating') return false;
    // First: whoever has a token that was taken back is not to use up what its person may ask.
    if (this.#isRevoked(connection, request, verified)) return false;
    const waitMs = this.#people.take(id, costOf('hello'));
    if (waitMs > 0) {
      this.#metrics.connectionRefused('rate');
      this.#overloads.closed({ connectionId: connection.id, userId: id });
      const refusal = refuse('rate_limited', 'too many requests', waitMs);
      this.#turnAway(connection, request.id, refusal, 'overloaded');
      return false;
    }
    if (this.#people.mayEnter(id, this.#replaced(id, request.replaces))) return true;
    this.#refuseOneMore(connection, request);
    return false;
  }

  #isRevoked(
    connection: Connection,
    request: RequestOf<'hello'>,
    { user, terms }: Extract<Verified, { kind: 'ok' }>,
  ): boolean {
    const revoked = this.#ports.revoked?.refusal(user.id, terms);
    if (revoked === undefined) return false;
    this.#turnAway(connection, request.id, refuse('unauthorised', revoked), 'unauthorised');
    return true;
  }

  #refuseOneMore(connection: Connection, request: RequestOf<'hello'>): void {
    this.#metrics.connectionRefused('person');
    const most = this.#options.maxConnectionsPerUser;
    const refusal = refuse('conflict', `at most ${most} connections a person`);
    this.#turnAway(connection, request.id, refusal, 'too_many_connections');
  }

  async refresh(connection: Connection, request: RequestOf<'auth.refresh'>): Promise<void> {
    const refused = (message: string): void =>
      this.#outbox.enqueue(
        connection,
        frameOf(errorReply(request.id, refuse('unauthorised', message))),
      );
    let verified: Verified;
    let known: Known | undefined;
    try {
      verified = await this.#ports.authenticator.verify(request.token);
      known =
        verified.kind === 'ok'
          ? await this.#known(verified.user, verified.terms.deviceId)
          : undefined;
    } catch (error) {
      this.#ports.log.warn(
        { connectionId: connection.id, err: error },
        'a token could not be checked',
      );
      const refusal = refuse('unavailable', 'the hub cannot check tokens for the moment', 1_000);
      this.#outbox.enqueue(connection, frameOf(errorReply(request.id, refusal)));
      return;
    }
    const { session } = connection;
    if (session.phase !== 'active') return;
    const revoked =
      verified.kind === 'ok'
        ? this.#ports.revoked?.refusal(verified.user.id, verified.terms)
        : undefined;
    if (verified.kind !== 'ok') {
      refused(verified.kind === 'expired' ? 'the token has expired' : verified.reason);
    } else if (verified.user.id !== session.user.id) {
      refused('the token is another person’s');
    } else if (revoked !== undefined) {
      refused(revoked);
    } else if (known === undefined) {
      refused(ACCOUNT_GONE);
      // It may be this very connection's account, or device, that is gone.
      await this.#standing?.look([connection]);
    } else {
      session.terms = verified.terms;
      // What is known once stays so where the store is away now.
      session.isStored ||= known.isStored;
      session.expiresAt = this.#ports.clock.now() + verified.expiresInMs;
      session.warned = false;
      this.#outbox.enqueue(
        connection,
        okFrame(request.id, `"tokenExpiresInMs":${verified.expiresInMs}`),
      );
    }
  }

  /**
   * The name that the store has counts: a token may be older than a change of name.
   * @returns undefined for a guest that the store does not know: their token is this hub's own, so they have been erased; and where the
   * device has been revoked that the token was given to
   */
  async #known(user: User, deviceId: string | undefined): Promise<Known | undefined> {
    const lookUp: LookUp = { userId: user.id, deviceId, isGone: false };
    this.#lookUps.add(lookUp);
    try {
      const known = await this.#lookedUp(user, deviceId);
      return lookUp.isGone ? undefined : known;
    } finally {
      this.#lookUps.delete(lookUp);
    }
  }

  async #lookedUp(user: User, deviceId: string | undefined): Promise<Known | undefined> {
    try {
      const stored = await this.#ports.users.find(user.id, deviceId);
      if (stored !== undefined) return { user: stored, isStored: true };
      if (user.guest || deviceId !== undefined) return undefined;
      await this.#ports.users.save(user);
      return { user, isStored: true };
    } catch (error) {
      // The token is proof enough: with many nodes the people's store may be away while the rooms go on.
      if (!(error instanceof StoreUnavailable)) throw error;
      this.#ports.log.warn({ userId: user.id, err: error }, 'a person could not be looked up');
      return { user, isStored: false };
    }
  }

  /** A client that lost its network closes the half-open socket that it left behind. */
  #takeOver(user: User, replaces: RequestOf<'hello'>['replaces']): void {
    const other = this.#replaced(user.id, replaces);
    if (other === undefined) return;
    this.#outbox.close(other, 'replaced');
    this.#ports.timers.after(SWEEP_MS, () => other.socket.terminate());
  }

  #replaced(userId: UserId, replaces: RequestOf<'hello'>['replaces']): Connection | undefined {
    if (replaces === undefined) return undefined;
    return [...this.#people.connectionsOf(userId)].find(({ id }) => id === replaces);
  }

  #turnAway(
    connection: Connection,
    id: number,
    refusal: Refusal,
    close: Parameters<Connection['close']>[0],
  ): void {
    this.#outbox.enqueue(connection, frameOf(errorReply(id, refusal)));
    this.#outbox.close(connection, close, refusal.message);
  }

  #sweep(): void {
    const now = this.#ports.clock.now();
    for (const connection of this.#connections()) {
      const { session } = connection;
      if (session.phase !== 'active') continue;
      const leftMs = session.expiresAt - now;
      if (leftMs <= 0) this.#outbox.close(connection, 'token_expired');
      else if (leftMs <= this.#options.expiryWarningMs && !session.warned) {
        session.warned = true;
        this.#outbox.enqueue(
          connection,
          frameOf({ type: 'session.expiring', inMs: Math.round(leftMs) } satisfies Push),
        );
      }
    }
  }
}
