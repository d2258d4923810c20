// Owns a page of the sync lab: the real client and player in a room, players by other clocks beside it, an ear at each; it tells its server what was heard and
// what was believed, and judges nothing.
import { encodeProbe } from '../../../protocol/clock-frames.ts';
import { EarshotClient } from '../../../src/client/client.ts';
import { Player } from '../../../src/client/player.ts';
import { browserPlatform } from '../../../src/client/player-platform.ts';
import type { PlayerClock } from '../../../src/client/player-room.ts';
import { EAR_WORKLET } from '../audio-ear.ts';
import {
  encodeCapture,
  type Belief,
  type LabBatch,
  type LabOptions,
  type PlayerName,
} from './lab-wire.ts';
import { ircamClock, timesyncClock } from './peer-clocks.ts';

const STAMP_EVERY_MS = 50;
const PROBE_EVERY_MS = 250;
const TELL_EVERY_MS = 1_000;

type Told = { -readonly [K in keyof LabBatch]: LabBatch[K][number][] };

function nothing(): Told {
  return {
    exchanges: [],
    stamps: [],
    beliefs: [],
    reports: [],
    corrections: [],
    visibility: [{ atMs: performance.now(), hidden: document.hidden }],
  };
}

class Lab {
  readonly #players = new Map<PlayerName, Player>();
  #told = nothing();
  #socket: WebSocket | undefined;
  #crystalRate = 1;

  /** Local time by this page's crystal. */
  readonly #now = (): number => this.#crystalOf(performance.now());

  async open(options: LabOptions): Promise<void> {
    this.#crystalRate = 1 + options.crystalPpm * 1e-6;
    await this.#openTruth();
    const client = new EarshotClient({
      url: location.origin,
      token: options.token,
      client: { name: 'sync-lab', version: '0' },
      platform: {
        performanceNow: this.#now,
        WebSocket: class extends WebSocket {
          constructor(url: string, protocols: string[]) {
            super(`${options.socketOrigin}${new URL(url).pathname}`, protocols);
          }
        },
      },
    });
    await client.connect();
    const room = await client.joinRoom({ code: options.roomCode });
    // One context for all: what the device does to one player it does to the others as well.
    const context = this.#openContext();
    await context.audioWorklet.addModule(
      URL.createObjectURL(new Blob([EAR_WORKLET], { type: 'text/javascript' })),
    );
    for (const name of options.players) {
      const clock = await this.#clockOf(name, client, options.peersOrigin);
      const player = new Player({
        client: { clock, api: client.api },
        room: {
          view: room.view,
          // The peers only listen: what the hub hears is our own player's.
          ready: (entryId, bufferedMs) =>
            name === 'earshot' ? room.ready(entryId, bufferedMs) : Promise.resolve(),
          reportSync: (report) => {
            this.#told.reports.push({ player: name, atMs: performance.now(), ...report });
            return name === 'earshot' ? room.reportSync(report) : Promise.resolve();
          },
        },
        output: options.output,
        platform: { ...browserPlatform(), now: this.#now, createContext: () => context },
      });
      this.#players.set(name, player);
      player.onCorrection((correction) =>
        this.#told.corrections.push({ player: name, atMs: performance.now(), ...correction }),
      );
      player.state.subscribe(({ errorMs }) => this.#believe(name, clock, errorMs));
      await player.unlock();
      this.#listen(name, player, context);
    }
    setInterval(() => {
      const { contextTime, performanceTime } = rawStamp(context);
      if (contextTime && performanceTime) this.#told.stamps.push([contextTime, performanceTime]);
    }, STAMP_EVERY_MS);
    document.addEventListener('visibilitychange', () =>
      this.#told.visibility.push({ atMs: performance.now(), hidden: document.hidden }),
    );
  }

  get states(): Record<string, unknown> {
    return Object.fromEntries(
      [...this.#players].map(([name, player]) => [name, player.state.value]),
    );
  }

  #crystalOf(rawMs: number): number {
    return rawMs * this.#crystalRate;
  }

  #openContext(): AudioContext {
    const context = new AudioContext({ latencyHint: 'playback' });
    context.getOutputTimestamp = () => {
      const stamp = rawStamp(context);
      const { performanceTime } = stamp;
      return performanceTime === undefined
        ? stamp
        : { ...stamp, performanceTime: this.#crystalOf(performanceTime) };
    };
    return context;
  }

  async #clockOf(name: PlayerName, client: EarshotClient, origin: string): Promise<PlayerClock> {
    switch (name) {
      case 'earshot':
        return client.clock;
      case 'timesync':
        return timesyncClock(origin, this.#now);
      case 'ircam':
        return ircamClock(origin, this.#now);
    }
  }

  #believe(player: PlayerName, clock: PlayerClock, errorMs: number | undefined): void {
    const atMs = performance.now();
    const hubMs = clock.now();
    if (hubMs === undefined) return;
    const { estErrorMs, maxErrorMs, resets, quality } = clock.status.value;
    const belief: Belief = {
      ...{ player, atMs, hubMs, estErrorMs, maxErrorMs, resets, isGood: quality === 'good' },
      ...(errorMs !== undefined && { errorMs }),
    };
    this.#told.beliefs.push(belief);
  }

  #listen(player: PlayerName, { outputNode }: Player, context: AudioContext): void {
    if (outputNode === undefined) throw new Error('no node to listen at');
    const ear = new AudioWorkletNode(context, 'ear', { numberOfOutputs: 0 });
    ear.port.onmessage = ({
      data,
    }: MessageEvent<{ sec: number; sampleRate: number; samples: number[] }>) =>
      this.#socket?.send(
        encodeCapture({ ...data, player, samples: Float32Array.from(data.samples) }),
      );
    outputNode.connect(ear);
  }

  /** Straight to the lab's server, past every link: there the page's clock is compared with the machine's. */
  async #openTruth(): Promise<void> {
    const socket = new WebSocket(
      `${location.origin.replace('http', 'ws')}/lab/truth${location.search}`,
    );
    socket.binaryType = 'arraybuffer';
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    this.#socket = socket;
    socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
      const t3 = performance.now();
      const [t0, t1, t2] = new Float64Array(data.slice(8));
      this.#told.exchanges.push([t0!, t1!, t2!, t3]);
    });
    let seq = 0;
    setInterval(() => {
      seq += 1;
      socket.send(new Uint8Array(encodeProbe({ seq, t0: performance.now() })));
    }, PROBE_EVERY_MS);
    setInterval(() => {
      socket.send(JSON.stringify(this.#told));
      this.#told = nothing();
    }, TELL_EVERY_MS);
  }
}

/** By the browser's own clock, whatever the page's crystal is said to be. */
function rawStamp(context: AudioContext): AudioTimestamp {
  return AudioContext.prototype.getOutputTimestamp.call(context);
}

(globalThis as unknown as { syncLab: Lab }).syncLab = new Lab();
export type { Lab };
