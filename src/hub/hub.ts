// The application: sockets in, frames out. It greets, limits, dispatches, and lets go; rooms do the rest.
// Knows ports and rooms; knows no transport, store or library.
import { answerProbe, isProbe } from '../../protocol/clock-frames.ts';
import { decodeRequest, errorReply } from '../../protocol/codec.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { UserId } from '../../protocol/ids.ts';
import type { User } from '../../protocol/schemas/pushes.ts';
import type { Request, RequestType } from '../../protocol/schemas/requests.ts';
import { fullBucket, takeTokens } from '../domain/rate-limit.ts';
import type { Revocation } from '../ports/revocations.ts';
import type { Socket, SocketListener, UpgradeDecision, UpgradeRequest } from '../ports/sockets.ts';
import type { Span } from '../ports/tracer.ts';
import type { Connection } from './connection.ts';
import { Drain } from './drain.ts';
import { frameOf, okFrame } from './frame.ts';
import type { Answer, Handler, HandledType } from './handlers/handler.ts';
import { HANDLERS, costOf, hasLongAnswer } from './handlers/handlers.ts';
import { HubMetrics } from './hub-metrics.ts';
import { hubFeed, type HubFeed } from './hub-feed.ts';
import type { HubOptions } from './hub-options.ts';
import type { HubPorts } from './hub-ports.ts';
import type { LiveRoomDeps } from './room/live-room.ts';
import { Outbox } from './outbox.ts';
import { OverloadLog } from './overload-log.ts';
import { peerAddress } from './peer-address.ts';
import { People } from './people.ts';
import { Rooms } from './room/rooms.ts';
import { Sessions } from './sessions.ts';
import { unavailability } from './unavailable.ts';

/** As said of `maxRateRefusals`. */
const RATE_REFUSALS_WINDOW_MS = 10_000;
/** When whoever has yet to read is to ask again. */
const UNREAD_RETRY_MS = 1_000;
/** For what was listened to, when the hub stops: its stores may not answer. */
const STOP_PATIENCE_MS = 3_000;

/** What a player says of itself every few seconds: there would be little else. */
const UNTRACED: ReadonlySet<RequestType> = new Set(['sync.report', 'ready']);

type HubState = 'running' | 'draining' | 'stopped';

export class Hub implements SocketListener {
  readonly rooms: Rooms;
  readonly metrics: HubMetrics;
  /** Undefined where nobody is told what people listen to. */
  readonly feed: HubFeed | undefined;
  readonly #ports: HubPorts;
  readonly #options: HubOptions;
  readonly #outbox: Outbox;
  readonly #overloads: OverloadLog;
  readonly #people: People;
  readonly #sessions: Sessions;
  readonly #connections = new Map<Socket, Connection>();
  readonly #drain: Drain;
  readonly #removeRevoked: (() => void) | undefined;
  #state: HubState = 'running';

  constructor(ports: HubPorts, options: HubOptions) {
    this.#ports = ports;
    this.#options = options;
    this.metrics = new HubMetrics(ports.metrics, {
      connections: () => this.#connections.size,
      rooms: () => this.rooms.count,
      isReady: () => this.isReady,
      hellosWaiting: () => this.#sessions.hellosWaiting,
    });
    this.#outbox = new Outbox(ports.timers, this.metrics, options);
    this.#overloads = new OverloadLog(ports.log, ports.timers);
    this.#people = new People(options, {
      shared: ports.sharedRates,
      timers: ports.timers,
      now: () => ports.clock.now(),
    });
    this.feed = hubFeed({
      ports,
      options,
      outbox: this.#outbox,
      rooms: () => this.rooms,
      connectionsOf: (userId) => this.#people.connectionsOf(userId),
      connections: () => this.#connections.values(),
      turnAway: (userId, deviceId) => this.#sessions.turnAway(userId, deviceId),
    });
    const deps: LiveRoomDeps = {
      listener: this.feed?.activities,
      ports,
      options,
      metrics: this.metrics,
      outbox: this.#outbox,
      connectionsOf: (userId) => this.#people.connectionsOf(userId),
    };
    this.rooms = new Rooms(deps);
    this.#sessions = new Sessions(
      ports,
      options,
      this.#people,
      this.#outbox,
      this.metrics,
      this.feed?.standing,
      () => this.#connections.values(),
      this.#overloads,
    );
    this.#drain = new Drain({
      ...{ terms: options.drain, outbox: this.#outbox, connections: this.#connections },
      ...{ timers: ports.timers, now: () => ports.clock.now(), log: ports.log },
    });
    this.#removeRevoked = ports.revoked?.onRevoked((revocation) => this.#letGo(revocation));
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  get isReady(): boolean {
    return this.#state === 'running';
  }

  async start(): Promise<void> {
    await this.rooms.start();
    this.#sessions.start();
    this.feed?.standing.start();
  }

  /** Whether an upgrade may go on: the cheap limits, before there is a socket. */
  upgrade(request: UpgradeRequest): UpgradeDecision {
    if (this.#state !== 'running')
      return { kind: 'reject', status: 503, message: 'the hub is draining' };
    if (this.#connections.size >= this.#options.maxConnections) {
      this.metrics.connectionRefused('hub');
      return {
        kind: 'reject',
        status: 503,
        message: `the hub holds at most ${this.#options.maxConnections} connections`,
      };
    }
    if (!this.#people.mayConnect(this.#addressOf(request))) {
      this.metrics.connectionRefused('address');
      return {
        kind: 'reject',
        status: 429,
        message: `at most ${this.#options.maxConnectionsPerAddress} connections from one address`,
      };
    }
    return { kind: 'accept' };
  }

  opened(socket: Socket, request: UpgradeRequest): void {
    const connection = this.#sessions.greet(socket, this.#addressOf(request));
    this.#connections.set(socket, connection);
    this.#people.connected(connection.address);
    if (!this.#options.isAllowedOrigin(request.origin, request.headers.get('host'))) {
      this.#outbox.close(connection, 'forbidden_origin', 'this page may not use this hub');
    }
  }

  message(socket: Socket, data: Uint8Array, isBinary: boolean): void {
    if (isBinary) {
      // Stamped before anything else: what happens between arrival and stamp is error in every listener's clock (CL2).
      const t1 = this.#ports.clock.now();
      this.#answerProbe(socket, data, t1);
      return;
    }
    const connection = this.#connections.get(socket);
    if (connection === undefined || !socket.isOpen) return;
    this.metrics.framesReceived += 1;
    const decoded = decodeRequest(data);
    switch (decoded.kind) {
      case 'malformed':
        this.#refuseFrame(connection, decoded.message);
        return;
      case 'refused':
        if (connection.session.phase === 'greeting') {
          this.#refuse(connection, decoded.id, decoded.refusal);
          this.#refuseFrame(connection, 'the first frame is hello');
          return;
        }
        if (this.#isWithinRate(connection, decoded.id, 1))
          this.#refuse(connection, decoded.id, decoded.refusal);
        return;
      case 'request':
        this.#dispatch(connection, decoded.request);
    }
  }

  drained(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || !this.#outbox.drained(connection)) return;
    for (const membership of connection.memberships) {
      this.rooms.get(membership.roomId)?.sendOwedSnapshot(membership);
    }
    this.feed?.desk.drained(connection);
  }

  closed(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    this.#connections.delete(socket);
    this.#people.disconnected(connection.address);
    const session = connection.end();
    if (session.phase === 'active') {
      this.#people.left(session.user.id, connection);
      this.feed?.activities.closed(connection, session.user.id);
      this.feed?.desk.unsubscribe(connection, session.user.id);
    }
    for (const membership of connection.memberships) {
      this.rooms.get(membership.roomId)?.leave(membership, 'lost');
    }
    connection.memberships.length = 0;
    if (this.#connections.size === 0) this.#drain.allLeft();
  }

  /** Takes `cost` tokens from the rate of a person; 0, or the wait in ms. */
  takeRate(userId: UserId, cost: number): number {
    return this.#people.take(userId, cost);
  }

  /**
   * Tells everybody to come back within a window, and closes what is still open when it has passed. Over when nobody is left.
   * Again, as when the process is to end while an operator drains it: whoever is still here is told what is left until the end that comes sooner.
   * @param withinMs absent: as the number of people asks for
   */
  drain(withinMs?: number): Promise<void> {
    if (this.#state === 'stopped') return Promise.resolve();
    this.#state = 'draining';
    return this.#drain.begin(withinMs);
  }

  /**
   * Resolves when what was heard is handed on, and after some seconds at the latest: the stores may close then.
   * @param withinMs where there is less time than that, ms
   * @returns how many entries of the listening history were lost, as nobody took them in time
   */
  async stop(withinMs = STOP_PATIENCE_MS): Promise<number> {
    this.#state = 'stopped';
    this.#removeRevoked?.();
    this.#sessions.stop();
    this.#overloads.stop();
    this.#people.stop();
    this.rooms.stop();
    return (await this.feed?.stop(Math.min(withinMs, STOP_PATIENCE_MS))) ?? 0;
  }

  /** Closes for good whoever is here by what was revoked. */
  #letGo(revocation: Revocation): void {
    const concerned =
      revocation.kind === 'token'
        ? this.#connections.values()
        : this.#people.connectionsOf(revocation.userId);
    for (const connection of [...concerned]) {
      const { session } = connection;
      if (session.phase !== 'active') continue;
      const refusal = this.#ports.revoked?.refusal(session.user.id, session.terms);
      if (refusal !== undefined) this.#outbox.close(connection, 'revoked', refusal);
    }
  }

  #answerProbe(socket: Socket, data: Uint8Array, t1: number): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    if (!isProbe(data)) {
      this.#refuseFrame(connection, 'a binary frame is a clock probe of 16 bytes');
      return;
    }
    const { probeRate, softBufferBytes } = this.#options;
    connection.probes ??= fullBucket(probeRate, t1);
    const isAboveRate = takeTokens(connection.probes, probeRate, 1, t1) > 0;
    // Answers pass the outbox by, which would look at what a peer leaves unread.
    if (isAboveRate || socket.bufferedBytes > softBufferBytes) {
      // A probe that is answered late would mislead; one that is not answered is a loss that every client expects.
      this.metrics.probesRefused += 1;
      return;
    }
    this.metrics.probesAnswered += 1;
    const { clock } = this.#ports;
    socket.send({ bytes: answerProbe(data, clock.timelineId, t1, clock.now()), isBinary: true });
  }

  #dispatch(connection: Connection, request: Request): void {
    const { session } = connection;
    if (request.type === 'hello') {
      // The first is paid for once it is known by whom; whoever goes on greeting pays at once.
      if (session.phase !== 'greeting' && !this.#isWithinRate(connection, request.id, 1)) return;
      void this.#sessions.hello(connection, request);
      return;
    }
    if (session.phase !== 'active') {
      if (session.phase !== 'closed')
        this.#refuseFrame(connection, 'the first frame is hello, and its answer comes first');
      return;
    }
    if (!this.#isWithinRate(connection, request.id, costOf(request.type))) return;
    if (hasLongAnswer(request.type) && this.#outbox.isReadingLittle(connection)) {
      const message = 'what you were sent is not read yet';
      this.#refuse(connection, request.id, refuse('rate_limited', message, UNREAD_RETRY_MS));
      return;
    }
    if (request.type === 'auth.refresh') {
      void this.#sessions.refresh(connection, request);
      return;
    }
    const handler = HANDLERS[request.type] as Handler<HandledType>;
    const span = this.#traced(connection, session.user, request);
    void this.#perform(connection, request.id, session.user, span, () =>
      handler(request, {
        ports: this.#ports,
        options: this.#options,
        metrics: this.metrics,
        rooms: this.rooms,
        feed: this.feed,
        connection,
        user: session.user,
        span,
      }),
    );
  }

  /** The one place where an answer becomes a frame, and where a fault of a handler ends. */
  async #perform(
    connection: Connection,
    id: number,
    user: User,
    span: Span | undefined,
    handle: () => Answer | Promise<Answer>,
  ): Promise<void> {
    let answer: Answer;
    try {
      const answered = handle();
      // Without a promise the answer leaves in the same tick.
      answer = answered instanceof Promise ? await answered : answered;
    } catch (error) {
      answer = { kind: 'refused', refusal: this.#faultOf(error, connection, user) };
    }
    if (answer.kind === 'ok') this.#outbox.enqueue(connection, okFrame(id, answer.members));
    else this.#refuse(connection, id, answer.refusal);
    if (span !== undefined) {
      const refused = answer.kind === 'ok' ? undefined : answer.refusal.code;
      this.#outbox.whenSent(() => span.end({}, refused));
    }
  }

  /** A trace of the request, where there are traces and this is one of those that are looked at. */
  #traced({ id }: Connection, user: User, request: Request): Span | undefined {
    const { tracer } = this.#ports;
    if (tracer === undefined || UNTRACED.has(request.type)) return undefined;
    return tracer.begin(request.type, {
      'earshot.connection.id': id,
      'enduser.id': user.id,
      ...('roomId' in request ? { 'earshot.room.id': request.roomId } : {}),
    });
  }

  #faultOf(error: unknown, connection: Connection, user: User): Refusal {
    const unavailable = unavailability(error);
    if (unavailable !== undefined) return unavailable;
    this.metrics.requestsFailed += 1;
    this.#ports.log.error(
      { connectionId: connection.id, userId: user.id, err: error },
      'a request failed',
    );
    return refuse('internal', 'the hub failed; it has been logged');
  }

  #isWithinRate(connection: Connection, id: number, cost: number): boolean {
    const now = this.#ports.clock.now();
    connection.requests ??= fullBucket(this.#options.connectionRate, now);
    const waitMs =
      takeTokens(connection.requests, this.#options.connectionRate, cost, now) ||
      this.#takeRateOf(connection, cost);
    if (waitMs === 0) return true;
    if (now - connection.rateRefusedSince > RATE_REFUSALS_WINDOW_MS) {
      connection.rateRefusedSince = now;
      connection.rateRefusals = 0;
    }
    connection.rateRefusals += 1;
    if (connection.rateRefusals > this.#options.maxRateRefusals) {
      const { session } = connection;
      const userId = session.phase === 'active' ? session.user.id : undefined;
      this.#overloads.closed({ connectionId: connection.id, userId });
      this.#outbox.close(connection, 'overloaded', 'requests go on above their rate');
      return false;
    }
    this.#refuse(connection, id, refuse('rate_limited', 'too many requests', waitMs));
    return false;
  }

  #takeRateOf({ session }: Connection, cost: number): number {
    return session.phase === 'active' ? this.#people.take(session.user.id, cost) : 0;
  }

  #addressOf({ remoteAddress, headers }: UpgradeRequest): string {
    return peerAddress(remoteAddress, headers.get('x-forwarded-for'), this.#options.trustProxy);
  }

  #refuse(connection: Connection, id: number | undefined, refusal: Refusal): void {
    this.metrics.requestRefused(refusal.code);
    this.#outbox.enqueue(connection, frameOf(errorReply(id, refusal)));
  }

  #refuseFrame(connection: Connection, message: string): void {
    this.metrics.badFrames += 1;
    this.#outbox.close(connection, 'bad_frame', message);
  }
}
