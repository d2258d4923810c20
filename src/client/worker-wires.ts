// Owns the page's part of wires whose sockets live in a worker, out of reach of whatever keeps the page busy; where no worker starts,
// or one breaks, they are sockets of the page. Knows no hub message.
import { ThreadOffset } from '../clock/thread-offset.ts';
import type { Platform, TimerHandle, WorkerLike } from './platform.ts';
import { ABNORMAL, SocketWires } from './socket-wires.ts';
import type { ProbeListener, Wire, WireListener, Wires } from './wire.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

/** A worker that says nothing for so long is one whose script does not load, or that is dead. */
const SILENT_MS = 5_000;
/** Their fastest is what counts; a page that is still loading is slow to take some of them. */
const FIRST_COMPARISONS = 12;
const TOOK_CHARACTERS = 256 * 1_024;

type Life =
  | { readonly phase: 'idle' }
  | { readonly phase: 'starting'; readonly worker: WorkerLike; readonly timer: TimerHandle }
  | { readonly phase: 'running'; readonly worker: WorkerLike; readonly offset: ThreadOffset }
  /** No worker here: for good. */
  | { readonly phase: 'failed' };

interface Parts {
  readonly platform: Platform;
  readonly startWorker: () => WorkerLike;
  /** `performance.timeOrigin` of the page, ms. */
  readonly timeOriginMs: number;
  readonly listener: ProbeListener;
}

export class WorkerWires implements Wires {
  readonly #parts: Parts;
  readonly #page: SocketWires;
  #life: Life = { phase: 'idle' };
  #wire: WorkerWire | undefined;
  #wireCount = 0;
  /** When the worker was asked for the wire, with no word from it since; undefined while it speaks. */
  #askedAt: number | undefined;
  #comparisonsLeft = 0;
  #isComparing = false;
  /** After a worker's exchanges, the listener cannot tell any more from the stamps how coarse those of the page are. */
  #grainMs = 0;
  #isHidden = false;
  #isPlaying = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { platform, listener } = parts;
    this.#page = new SocketWires(platform, {
      exchange: (exchange, wallMs) => {
        listener.exchange({ ...exchange, t3: exchange.t3 + this.#grainMs }, wallMs);
      },
      slept: (localMs, wallMs) => listener.slept(localMs, wallMs),
      stray: () => listener.stray(),
    });
  }

  start(): void {
    if (this.#life.phase !== 'idle') return;
    let worker: WorkerLike;
    try {
      worker = this.#parts.startWorker();
    } catch {
      // A policy, or a script of another origin.
      this.#life = { phase: 'failed' };
      return;
    }
    const isCurrent = (): boolean => 'worker' in this.#life && this.#life.worker === worker;
    const onTrouble = (): void => {
      if (isCurrent()) this.#fail();
    };
    const timer = this.#parts.platform.setTimeout(onTrouble, SILENT_MS);
    this.#life = { phase: 'starting', worker, timer };
    worker.addEventListener('error', onTrouble);
    worker.addEventListener('message', ({ data }) => {
      // First of all: it is a stamp.
      const heardMs = this.#parts.platform.performanceNow();
      if (isCurrent()) this.#onMessage(data as FromWorker, heardMs);
    });
  }

  open(url: string, listener: WireListener): Wire {
    if (this.#life.phase === 'failed' || this.#life.phase === 'idle') {
      return this.#page.open(url, listener);
    }
    this.#wireCount += 1;
    const id = this.#wireCount;
    const wire = new WorkerWire(id, url, listener, (message) => this.#post(message));
    this.#wire = wire;
    wire.onClose = () => this.#onClosed(wire);
    if (this.#life.phase === 'running') this.#open(wire);
    return wire;
  }

  stop(): void {
    const life = this.#life;
    if (life.phase === 'failed') return;
    this.#wire = undefined;
    this.#life = { phase: 'idle' };
    if (life.phase === 'starting') {
      this.#parts.platform.clearTimeout(life.timer);
      life.worker.terminate();
    } else if (life.phase === 'running') {
      // It ends by itself, once the hub was told.
      life.worker.postMessage({ kind: 'stop' } satisfies ToWorker);
    }
  }

  wake(): void {
    if (this.#life.phase === 'running') this.#post({ kind: 'wake' });
    else this.#page.wake();
  }

  setHidden(isHidden: boolean): void {
    this.#isHidden = isHidden;
    this.#page.setHidden(isHidden);
    this.#post({ kind: 'hidden', isHidden });
  }

  setPlaying(isPlaying: boolean): void {
    this.#isPlaying = isPlaying;
    this.#page.setPlaying(isPlaying);
    this.#post({ kind: 'playing', isPlaying });
  }

  #open(wire: WorkerWire): void {
    this.#askedAt = this.#parts.platform.performanceNow();
    // It answers this at once, whatever becomes of the socket.
    this.#isComparing = false;
    this.#compare();
    wire.post();
  }

  #post(message: ToWorker): void {
    if (this.#life.phase === 'running') this.#life.worker.postMessage(message);
  }

  #onMessage(message: FromWorker, heardMs: number): void {
    this.#askedAt = undefined;
    if (this.#life.phase === 'starting' && message.kind === 'ready') {
      this.#onReady(this.#life.worker, this.#life.timer, message.timeOriginMs);
      return;
    }
    if (this.#life.phase !== 'running') return;
    const { offset } = this.#life;
    const { listener } = this.#parts;
    if ('wire' in message) {
      if (message.wire === this.#wire?.id) this.#wire.hear(message);
      return;
    }
    switch (message.kind) {
      case 'compared':
        offset.observe({ ...message, heardMs });
        this.#isComparing = false;
        if (this.#comparisonsLeft > 0) this.#compare();
        break;
      case 'exchange': {
        const exchange = offset.toHere(message.exchange);
        if (exchange !== undefined) listener.exchange(exchange, message.wallMs);
        // What is known of the offset gets better while it costs next to nothing, and is seen to hold.
        this.#compare();
        break;
      }
      case 'slept': {
        const localMs = offset.momentHere(message.localMs);
        if (localMs !== undefined) listener.slept(localMs, message.wallMs);
        break;
      }
      case 'stray':
        listener.stray();
        break;
      case 'ready':
        break;
    }
  }

  #onReady(worker: WorkerLike, timer: TimerHandle, timeOriginMs: number): void {
    this.#parts.platform.clearTimeout(timer);
    const offset = new ThreadOffset(this.#parts.timeOriginMs - timeOriginMs);
    this.#life = { phase: 'running', worker, offset };
    this.#comparisonsLeft = FIRST_COMPARISONS;
    this.#isComparing = false;
    this.#compare();
    this.#post({ kind: 'hidden', isHidden: this.#isHidden });
    this.#post({ kind: 'playing', isPlaying: this.#isPlaying });
    if (this.#wire !== undefined) this.#open(this.#wire);
  }

  #compare(): void {
    if (this.#isComparing) return;
    this.#isComparing = true;
    this.#comparisonsLeft -= 1;
    this.#post({ kind: 'compare', askedMs: this.#parts.platform.performanceNow() });
  }

  #onClosed(wire: WorkerWire): void {
    if (wire !== this.#wire) return;
    this.#wire = undefined;
    if (this.#askedAt === undefined) return;
    // It was given up, and not for the hub's silence: the worker has not said a word.
    if (this.#parts.platform.performanceNow() - this.#askedAt >= SILENT_MS) this.#fail();
  }

  /** From here on all is done in the page; what waits for the worker is opened there, what it had is lost like any socket. */
  #fail(): void {
    const life = this.#life;
    const wire = this.#wire;
    if (!('worker' in life)) return;
    this.#life = { phase: 'failed' };
    this.#wire = undefined;
    if (life.phase === 'starting') this.#parts.platform.clearTimeout(life.timer);
    life.worker.terminate();
    if (life.phase === 'running') {
      this.#grainMs = life.offset.grainMs;
      wire?.lose('the worker broke');
    } else {
      wire?.moveTo(this.#page);
    }
  }
}

class WorkerWire implements Wire {
  readonly id: number;
  onClose: (() => void) | undefined;
  readonly #url: string;
  readonly #listener: WireListener;
  readonly #post: (message: ToWorker) => void;
  /** Where it is instead, when no worker came. */
  #instead: Wire | undefined;
  #hasEnded = false;
  #untold = 0;

  constructor(id: number, url: string, listener: WireListener, post: (message: ToWorker) => void) {
    this.id = id;
    this.#url = url;
    this.#listener = listener;
    this.#post = post;
  }

  send(text: string): void {
    if (this.#hasEnded) return;
    if (this.#instead !== undefined) this.#instead.send(text);
    else this.#post({ kind: 'send', wire: this.id, text });
  }

  ping(): void {
    if (this.#hasEnded) return;
    if (this.#instead !== undefined) this.#instead.ping();
    else this.#post({ kind: 'ping', wire: this.id });
  }

  close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#instead !== undefined) {
      this.#instead.close();
      return;
    }
    this.#post({ kind: 'close', wire: this.id });
    this.onClose?.();
  }

  /** The worker is there: it opens the socket. */
  post(): void {
    this.#post({ kind: 'open', wire: this.id, url: this.#url });
  }

  /** No worker comes. Nothing was sent yet, as it never opened. */
  moveTo(wires: Wires): void {
    if (this.#hasEnded) return;
    try {
      this.#instead = wires.open(this.#url, this.#listener);
    } catch (error) {
      this.#hasEnded = true;
      this.#listener.impossible(error instanceof Error ? error.message : String(error));
    }
  }

  lose(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#listener.ended(ABNORMAL, reason);
  }

  hear(message: Extract<FromWorker, { readonly wire: number }>): void {
    if (this.#hasEnded) return;
    switch (message.kind) {
      case 'opened':
        this.#listener.opened();
        break;
      case 'text':
        this.#took(message.text.length);
        this.#listener.text(message.text);
        break;
      case 'malformed':
        this.#listener.malformed();
        break;
      case 'probed':
        this.#listener.probed();
        break;
      case 'answered':
        this.#listener.answered();
        break;
      case 'ended':
        this.#hasEnded = true;
        this.#listener.ended(message.code, message.reason);
        break;
      case 'impossible':
        this.#hasEnded = true;
        this.#listener.impossible(message.message);
        break;
    }
  }

  #took(characters: number): void {
    this.#untold += characters;
    if (this.#untold < TOOK_CHARACTERS) return;
    this.#post({ kind: 'took', wire: this.id, characters: this.#untold });
    this.#untold = 0;
  }
}
