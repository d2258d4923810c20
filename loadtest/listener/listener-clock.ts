// Owns one listener's estimate of hub time: the very estimator of the clients, fed with probes of its own. By the machine's clock, which
// all listeners share: so how far they are apart is known, and not estimated.
import { decodeReply, encodeProbe } from '../../protocol/clock-frames.ts';
import { Corridor } from '../../src/clock/corridor.ts';
import { ProbeSession } from '../../src/clock/probe-session.ts';
import type { Agenda } from '../agenda.ts';
import { machineNow } from '../machine-clock.ts';
import type { Random } from '../random.ts';

export interface ListenerClockOptions {
  readonly agenda: Agenda;
  readonly random: Random;
  /** @param rttMs of a probe that came back, the hub's own time taken off */
  readonly onProbe: (rttMs: number) => void;
}

export class ListenerClock {
  readonly corridor = new Corridor();
  readonly #options: ListenerClockOptions;
  #session: ProbeSession | undefined;
  #send: ((bytes: Uint8Array) => void) | undefined;
  #cancel: () => void = () => undefined;

  constructor(options: ListenerClockOptions) {
    this.#options = options;
    this.corridor.setPlaying(true);
  }

  /** A socket is open: probes go out by `send`. */
  attach(send: (bytes: Uint8Array) => void): void {
    const nowMs = machineNow();
    this.#send = send;
    if (this.#session === undefined) {
      const random = (): number => this.#options.random.next();
      this.#session = new ProbeSession({ corridor: this.corridor, random, nowMs });
    } else {
      this.#session.onReconnect(nowMs);
    }
    this.#pump();
  }

  detach(): void {
    this.#send = undefined;
    this.#cancel();
  }

  /** @returns whether it was a reply to a probe of this listener */
  receive(bytes: Uint8Array, t3: number): boolean {
    const reply = decodeReply(bytes);
    if (reply === undefined || this.#session === undefined) return false;
    if (this.#session.onReply(reply, t3).kind === 'unmatched') return false;
    this.#options.onProbe(t3 - reply.t0 - (reply.t2 - reply.t1));
    this.#pump();
    return true;
  }

  #pump(): void {
    this.#cancel();
    for (;;) {
      if (this.#session === undefined || this.#send === undefined) return;
      const step = this.#session.next(machineNow());
      if (step.kind === 'wait') {
        this.#cancel = this.#options.agenda.after(step.untilMs - machineNow(), () => this.#pump());
        return;
      }
      this.#send(encodeProbe(step));
    }
  }
}
