// Owns the way to the threads of an agent on another machine, and by how much its clock is ahead of this one's.
import { WebSocket } from 'ws';
import { AGENT_PATH, AGENT_VERSION, type FromAgent, type ToAgent } from './agent-messages.ts';
import type { CrewLink } from './crew-link.ts';
import type { CrewReport, SpreadMark } from './crew-messages.ts';
import { machineNow } from './machine-clock.ts';

export interface AgentClock {
  /** The agent's clock minus this machine's, ms. */
  readonly offsetMs: number;
  /** It is not further from that than this. */
  readonly errorMs: number;
}

const PROBES = 25;
const ANSWER_MS = 10_000;

export class AgentLinks {
  readonly address: string;
  readonly #socket: WebSocket;
  readonly #clocks = new Map<number, (machineMs: number) => void>();
  #clock: AgentClock = { offsetMs: 0, errorMs: Infinity };
  #onReport: (thread: number, report: CrewReport) => void = () => undefined;
  #isStopping = false;

  private constructor(address: string, socket: WebSocket) {
    this.address = address;
    this.#socket = socket;
  }

  /** @throws with words where the agent cannot be reached or does not take part */
  static async connect(address: string, key: string, threads: number): Promise<AgentLinks> {
    const socket = new WebSocket(`ws://${address}${AGENT_PATH}`, {
      headers: { authorization: `Bearer ${key}` },
      handshakeTimeout: ANSWER_MS,
    });
    const links = new AgentLinks(address, socket);
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`agent ${address}: ${why}`));
      const timer = setTimeout(() => fail('no answer'), ANSWER_MS);
      socket.once('open', () => {
        links.#tell({ kind: 'threads', version: AGENT_VERSION, count: threads });
      });
      socket.once('error', (error) => fail(error.message));
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as FromAgent;
        if (message.kind === 'ready') {
          clearTimeout(timer);
          resolve();
        } else if (message.kind === 'refused') {
          fail(message.message);
        } else {
          links.#onMessage(message);
        }
      });
      socket.once('close', () => {
        fail('it closed the connection');
        links.#gone();
      });
    });
    await links.#findClock();
    return links;
  }

  get clock(): AgentClock {
    return this.#clock;
  }

  /** @param first the number of the first thread among all of the run */
  links(
    first: number,
    count: number,
    onReport: (thread: number, report: CrewReport) => void,
  ): CrewLink[] {
    this.#onReport = (thread, report) => onReport(first + thread, report);
    return Array.from({ length: count }, (_, thread) => ({
      send: (order) => {
        const here =
          order.kind === 'marks'
            ? { ...order, marks: shifted(order.marks, this.#clock.offsetMs) }
            : order;
        this.#tell({ kind: 'order', thread, order: here });
      },
      stop: () => {
        this.#isStopping = true;
        this.#socket.close();
        return Promise.resolve();
      },
    }));
  }

  #onMessage(message: FromAgent): void {
    if (message.kind === 'clock') {
      this.#clocks.get(message.id)?.(message.machineMs);
      this.#clocks.delete(message.id);
    } else if (message.kind === 'report') {
      const { thread, report } = message;
      this.#onReport(thread, this.#here(report));
    }
  }

  /** By this machine's clock, and from this agent. */
  #here(report: CrewReport): CrewReport {
    if (report.kind === 'failed') {
      return { ...report, message: `agent ${this.address}: ${report.message}` };
    }
    if (report.kind !== 'marks') return report;
    return { ...report, marks: shifted(report.marks, -this.#clock.offsetMs) };
  }

  #gone(): void {
    if (this.#isStopping) return;
    this.#onReport(0, { kind: 'failed', message: `agent ${this.address} is gone` });
  }

  /** The fastest of some exchanges tells best: its middle is off by at most half of it (Cristian, 1989). */
  async #findClock(): Promise<void> {
    for (let id = 0; id < PROBES; id += 1) {
      const t0 = machineNow();
      const machineMs = await new Promise<number>((resolve) => {
        this.#clocks.set(id, resolve);
        this.#tell({ kind: 'clock', id });
      });
      const t3 = machineNow();
      const errorMs = (t3 - t0) / 2;
      if (errorMs < this.#clock.errorMs) {
        this.#clock = { offsetMs: machineMs - (t0 + t3) / 2, errorMs };
      }
    }
  }

  #tell(message: ToAgent): void {
    this.#socket.send(JSON.stringify(message));
  }
}

function shifted(marks: readonly SpreadMark[], byMs: number): SpreadMark[] {
  return marks.map((mark) => ({ ...mark, intendedMs: mark.intendedMs + byMs }));
}
