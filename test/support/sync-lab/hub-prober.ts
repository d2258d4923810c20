// Owns the truth about a node's hub time: a quiet connection over loopback, past every link, that probes it all the time. Knows frames, no rooms.
import { WebSocket } from 'ws';
import { decodeReply, encodeProbe } from '../../../protocol/clock-frames.ts';
import { SUBPROTOCOL } from '../../../protocol/version.ts';
import { Corridor } from '../../../src/clock/corridor.ts';
import { OffsetHistory, type StampExchange } from './intervals.ts';

/** Half of what a hub answers (CL4). */
const EVERY_MS = 250;

export class HubProber {
  readonly #socket: WebSocket;
  readonly #exchanges: StampExchange[] = [];
  /** For those who must know at once: peers are served by it. */
  readonly #corridor = new Corridor({ quantumMs: 0.001 });
  readonly #timer: ReturnType<typeof setInterval>;
  #seq = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.on('message', (data: ArrayBuffer, isBinary) => {
      const t3 = performance.now();
      const reply = isBinary ? decodeReply(new Uint8Array(data)) : undefined;
      if (reply === undefined) return;
      const { t0, t1, t2, timelineId } = reply;
      this.#exchanges.push({ t0, t1, t2, t3 });
      this.#corridor.observe({ t0, t1, t2, t3, timelineId });
    });
    this.#timer = setInterval(() => {
      this.#seq += 1;
      socket.send(encodeProbe({ seq: this.#seq, t0: performance.now() }));
    }, EVERY_MS);
  }

  static async open(nodePort: number, token: string): Promise<HubProber> {
    const socket = new WebSocket(`ws://127.0.0.1:${nodePort}/v1/socket`, [SUBPROTOCOL]);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    const client = { name: 'sync-lab-prober', version: '0' };
    socket.send(JSON.stringify({ id: 1, type: 'hello', token, client }));
    const prober = new HubProber(socket);
    // A few answers, and it can be asked.
    while (prober.#exchanges.length < 8) await new Promise((resolve) => setTimeout(resolve, 100));
    return prober;
  }

  /** Hub time now, as far as it is known by now. */
  now(): number {
    return this.#corridor.hubTimeAt(performance.now()) ?? NaN;
  }

  /** Hub time less this machine's clock, after the fact. */
  history(): OffsetHistory {
    return new OffsetHistory(this.#exchanges);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#socket.terminate();
  }
}
