// Owns one person's being connected: opens sockets one after the other, says hello, comes back after a loss as clients do, and keeps the
// requests. Knows no room and no feed.
import { mayReconnect } from '../../protocol/close-codes.ts';
import type { ConnectionId } from '../../protocol/ids.ts';
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';
import { Backoff } from '../../src/client/backoff.ts';
import type { Fault } from '../ledger/faults.ts';
import { machineNow } from '../machine-clock.ts';
import { LeanSocket, type SocketEnd } from '../wire/lean-socket.ts';
import type { Ground } from './ground.ts';
import type { HubSilence } from './hub-silence.ts';
import type { ListenerClock } from './listener-clock.ts';
import { Requests, type Answer } from './requests.ts';

export interface SessionOwner {
  readonly person: number;
  readonly clock: ListenerClock | undefined;
  /** The hub knows who this is. @param intendedMs when the connection was wanted; `isBack`: there was one before */
  ready(intendedMs: number, isBack: boolean): void;
  /** A push, valid during the call only. */
  push(payload: Buffer, nowMs: number): void;
  lost(nowMs: number): void;
}

type Phase = 'idle' | 'connecting' | 'greeting' | 'ready' | 'waiting' | 'over';

const CLIENT = { name: 'earshot-loadtest', version: '1' };
/** `{"id":` begins a reply, `{"type":` a push: the third byte tells, and the hub writes them so. */
const REPLY_MARK = 'i'.charCodeAt(0);

export class Session {
  readonly #ground: Ground;
  readonly #owner: SessionOwner;
  readonly #requests = new Requests();
  readonly #backoff: Backoff;
  #phase: Phase = 'idle';
  #socket: LeanSocket | undefined;
  #connectionId: ConnectionId | undefined;
  /** When the connection that is being made was wanted. */
  #intendedMs = 0;
  #target: number;
  #silence: HubSilence | undefined;
  #hubMinusMachineMs: number | undefined;
  #cancelWait: () => void = () => undefined;
  #cancelDrain: () => void = () => undefined;

  constructor(ground: Ground, owner: SessionOwner) {
    this.#ground = ground;
    this.#owner = owner;
    this.#target = owner.person;
    this.#backoff = new Backoff({ random: () => ground.random.next() });
  }

  get isReady(): boolean {
    return this.#phase === 'ready';
  }

  get isThere(): boolean {
    return this.#phase !== 'idle' && this.#phase !== 'over';
  }

  /** Hub time by the last greeting alone, off by the way there and back; 0 before there was one. */
  roughHubTime(nowMs: number): number {
    return this.#hubMinusMachineMs === undefined ? 0 : nowMs + this.#hubMinusMachineMs;
  }

  /** Comes, or comes again after `go`. @param intendedMs when it was to happen */
  come(intendedMs: number): void {
    if (this.isThere) return;
    this.#intendedMs = intendedMs;
    this.#backoff.reset();
    this.#open();
  }

  /** Leaves for good, or until `come`. */
  go(): void {
    if (!this.isThere) return;
    const socket = this.#socket;
    this.#drop('idle', machineNow());
    socket?.close();
    this.#connectionId = undefined;
  }

  /** Loses the connection as when a network breaks, and wants it back at once. */
  cut(intendedMs: number): void {
    if (!this.isThere) return;
    this.#leave(intendedMs, (socket) => socket.cut());
  }

  /** @returns whether it could be sent */
  request<T extends RequestType>(
    type: T,
    body: RequestBody<T>,
    done: (answer: Answer, nowMs: number) => void,
  ): boolean {
    const socket = this.#socket;
    if (this.#phase !== 'ready' || socket === undefined) return false;
    const nowMs = machineNow();
    this.#ground.counts.requests += 1;
    this.#silence?.asked(nowMs);
    socket.sendText(this.#requests.add(type, body, done));
    return true;
  }

  /** Requests that still wait for their answer. */
  get unanswered(): number {
    return this.#requests.waiting;
  }

  #open(): void {
    const { targets, sourceAddresses } = this.#ground;
    const { person } = this.#owner;
    const at = this.#target % targets.length;
    const target = targets[at];
    this.#silence = this.#ground.silences[at];
    if (target === undefined) throw new RangeError('no hub to connect to');
    this.#phase = 'connecting';
    const token = this.#ground.tokenOf(person);
    const from = sourceAddresses[person % Math.max(1, sourceAddresses.length)];
    const socket: LeanSocket = new LeanSocket(
      target,
      {
        opened: () => {
          if (socket === this.#socket) void token.then((text) => this.#hello(socket, text));
        },
        text: (payload) => {
          if (socket === this.#socket) this.#onText(payload);
        },
        binary: (payload) => {
          if (socket === this.#socket) this.#onBinary(payload);
        },
        ended: (end) => {
          if (socket === this.#socket) this.#onEnd(end);
        },
      },
      from,
    );
    this.#socket = socket;
  }

  #hello(socket: LeanSocket, token: string): void {
    if (socket !== this.#socket) return;
    this.#phase = 'greeting';
    this.#owner.clock?.attach((bytes) => {
      this.#silence?.asked(machineNow());
      socket.sendBinary(bytes);
    });
    const replaces = this.#connectionId === undefined ? {} : { replaces: this.#connectionId };
    const body = { token, client: CLIENT, ...replaces };
    socket.sendText(
      this.#requests.add('hello', body, (answer, nowMs) => {
        if (answer.kind === 'ok') this.#onGreeting(answer.body, nowMs);
        else if (answer.kind === 'refused') this.#ground.counts.addRefusal(`hello ${answer.code}`);
      }),
    );
  }

  #onGreeting(body: Readonly<Record<string, unknown>>, nowMs: number): void {
    const isBack = this.#connectionId !== undefined;
    this.#connectionId = body['connectionId'] as ConnectionId;
    const hub = body['hub'] as { readonly now?: number } | undefined;
    if (typeof hub?.now === 'number') this.#hubMinusMachineMs = hub.now - nowMs;
    this.#phase = 'ready';
    this.#ground.counts.opened += 1;
    if (!isBack) this.#ground.latencies.record('connect', nowMs - this.#intendedMs);
    this.#owner.ready(this.#intendedMs, isBack);
  }

  #onText(payload: Buffer): void {
    const nowMs = machineNow();
    const { counts, faults } = this.#ground;
    counts.framesReceived += 1;
    counts.bytesReceived += payload.length;
    this.#silence?.came(nowMs);
    if (payload[2] !== REPLY_MARK) {
      this.#owner.push(payload, nowMs);
      return;
    }
    const reply = objectOf(payload);
    if (reply === undefined || !this.#requests.answer(reply, nowMs)) {
      faults.add(unreadable(payload, this.#owner.person));
    }
  }

  #onBinary(payload: Buffer): void {
    const nowMs = machineNow();
    const { counts, faults } = this.#ground;
    counts.framesReceived += 1;
    counts.bytesReceived += payload.length;
    this.#silence?.came(nowMs);
    if (this.#owner.clock?.receive(payload, nowMs) === true) return;
    // One that comes after a probe was given up for lost is no fault.
    if (payload.length === 32) return;
    const detail = `a binary frame of ${payload.length} bytes`;
    faults.add({ kind: 'unreadable', stream: 'frame', count: 1, detail });
  }

  /** The hub asks to be left within a window: at a random moment of it, for the next hub. */
  drain(windowMs: number): void {
    this.#cancelDrain();
    const inMs = this.#backoff.within(windowMs);
    this.#cancelDrain = this.#ground.agenda.after(inMs, (nowMs) => {
      this.#ground.counts.drained += 1;
      this.#leave(nowMs, (socket) => socket.close());
    });
  }

  #leave(intendedMs: number, end: (socket: LeanSocket) => void): void {
    const socket = this.#socket;
    this.#drop('waiting', machineNow());
    if (socket !== undefined) end(socket);
    if (!this.isThere) return;
    this.#intendedMs = intendedMs;
    this.#target += 1;
    this.#open();
  }

  #onEnd({ code, reason, wasOpen }: SocketEnd): void {
    const nowMs = machineNow();
    const { counts } = this.#ground;
    counts.addEnd(wasOpen ? `${code}` : `no handshake: ${reason}`);
    const wasReady = this.#phase === 'ready';
    if (wasOpen && !mayReconnect(code)) {
      this.#drop('over', nowMs);
      return;
    }
    this.#drop('waiting', nowMs);
    if (!this.isThere) return;
    if (wasReady) this.#intendedMs = nowMs;
    this.#target += 1;
    this.#cancelWait = this.#ground.agenda.after(this.#backoff.next(), () => this.#open());
  }

  /** Whoever waited for an answer may go for good when told that none will come: to be looked at after. */
  #drop(phase: Phase, nowMs: number): void {
    const wasReady = this.#phase === 'ready';
    this.#phase = phase;
    this.#socket = undefined;
    this.#cancelWait();
    this.#cancelDrain();
    this.#owner.clock?.detach();
    this.#ground.counts.broken += this.#requests.broken(nowMs);
    if (wasReady) this.#owner.lost(nowMs);
  }
}

/** What no hub should send, for the ledger. */
export function unreadable(payload: Buffer, person: number): Fault {
  const detail = `${payload.toString('utf8', 0, 80)}; person ${person}`;
  return { kind: 'unreadable', stream: 'frame', count: 1, detail };
}

/** Undefined where it is no JSON object. */
export function objectOf(payload: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString());
    if (typeof value !== 'object' || value === null) return undefined;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
