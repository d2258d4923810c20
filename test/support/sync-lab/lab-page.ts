// Owns a page of the sync lab: the real client and player in a room, players by other clocks beside it, an ear at each; it tells its server what was heard and
// what was believed, and judges nothing.
import { encodeProbe } from '../../../protocol/clock-frames.ts';
import { EarshotApi, EarshotClient } from '../../../src/client/client.ts';
import { Player } from '../../../src/client/player.ts';
import { browserPlatform } from '../../../src/client/player-platform.ts';
import type { PlayerClock } from '../../../src/client/player-room.ts';
import { EAR_WORKLET } from '../audio-ear.ts';
import type { MachineTime } from './crystal.ts';
import {
  encodeCapture,
  type Belief,
  type LabBatch,
  type LabOptions,
  type PlayerName,
} from './lab-wire.ts';
import { ircamClock, timesyncClock } from './peer-clocks.ts';

/** Whatever the page's crystal is said to be: what the lab tells is by the machine's. */
const { machineNow, machineStamp } = globalThis as unknown as MachineTime;

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
    visibility: [{ atMs: machineNow(), hidden: document.hidden }],
  };
}

class Lab {
  readonly #players = new Map<PlayerName, Player>();
  #told = nothing();
  #socket: WebSocket | undefined;

  async open(options: LabOptions): Promise<void> {
    await this.#openTruth();
    const { token } = options;
    const client = new EarshotClient({
      url: options.hubOrigin,
      token,
      client: { name: 'sync-lab', version: '0' },
    });
    // Media go past the link, or through it where the lab's server is told so.
    const api = new EarshotApi({ url: location.origin, token: () => token });
    await client.connect();
    const room = await client.joinRoom({ code: options.roomCode });
    // One context for all: what the device does to one player it does to the others as well.
    const context = new AudioContext({ latencyHint: 'playback' });
    await context.audioWorklet.addModule(
      URL.createObjectURL(new Blob([EAR_WORKLET], { type: 'text/javascript' })),
    );
    for (const name of options.players) {
      const clock = await this.#clockOf(name, client, options.peersOrigin);
      const player = new Player({
        client: { clock, api },
        room: {
          view: room.view,
          // The peers only listen: what the hub hears is our own player's.
          ready: (entryId, bufferedMs) =>
            name === 'earshot' ? room.ready(entryId, bufferedMs) : Promise.resolve(),
          reportSync: (report) => {
            this.#told.reports.push({ player: name, atMs: machineNow(), ...report });
            return name === 'earshot' ? room.reportSync(report) : Promise.resolve();
          },
        },
        output: options.output,
        platform: { ...browserPlatform(), createContext: () => context },
      });
      this.#players.set(name, player);
      player.onCorrection((correction) =>
        this.#told.corrections.push({ player: name, atMs: machineNow(), ...correction }),
      );
      player.state.subscribe(({ errorMs }) => this.#believe(name, clock, errorMs));
      await player.unlock();
      this.#listen(name, player, context);
    }
    setInterval(() => {
      const { contextTime, performanceTime } = machineStamp(context);
      if (contextTime && performanceTime) this.#told.stamps.push([contextTime, performanceTime]);
    }, STAMP_EVERY_MS);
    document.addEventListener('visibilitychange', () =>
      this.#told.visibility.push({ atMs: machineNow(), hidden: document.hidden }),
    );
  }

  get states(): Record<string, unknown> {
    return Object.fromEntries(
      [...this.#players].map(([name, player]) => [name, player.state.value]),
    );
  }

  async #clockOf(name: PlayerName, client: EarshotClient, origin: string): Promise<PlayerClock> {
    switch (name) {
      case 'earshot':
        return client.clock;
      case 'timesync':
        return timesyncClock(origin);
      case 'ircam':
        return ircamClock(origin);
    }
  }

  #believe(player: PlayerName, clock: PlayerClock, errorMs: number | undefined): void {
    const atMs = machineNow();
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
      const t3 = machineNow();
      const [t0, t1, t2] = new Float64Array(data.slice(8));
      this.#told.exchanges.push([t0!, t1!, t2!, t3]);
    });
    let seq = 0;
    setInterval(() => {
      seq += 1;
      socket.send(new Uint8Array(encodeProbe({ seq, t0: machineNow() })));
    }, PROBE_EVERY_MS);
    setInterval(() => {
      socket.send(JSON.stringify(this.#told));
      this.#told = nothing();
    }, TELL_EVERY_MS);
  }
}

(globalThis as unknown as { syncLab: Lab }).syncLab = new Lab();
export type { Lab };
