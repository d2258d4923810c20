// Owns the worker's part of a wire: the socket and its probes, and telling the page of them. Knows its surroundings by what is passed in.
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import type { Platform } from './platform.ts';
import type { ProberPlatform } from './prober.ts';
import { SocketWires } from './socket-wires.ts';
import type { Wire } from './wire.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

/** The worker's end of what it and the page say to each other. */
export interface WorkerPort {
  post(message: FromWorker): void;
  listen(listener: (message: ToWorker) => void): void;
  /** Ends the worker. */
  close(): void;
}

export interface WorkerSurroundings {
  readonly platform: ProberPlatform & Pick<Platform, 'WebSocket'>;
  /** `performance.timeOrigin` of the worker, ms. */
  readonly timeOriginMs: number;
  readonly port: WorkerPort;
}

/**
 * A page that stands still takes nothing, and a socket in a worker reads on all the same. Beyond this the worker lets go of the
 * connection, and the page comes back to a snapshot when it moves again: as the hub does with whoever does not read.
 */
export const MOST_UNTAKEN_CHARACTERS = 8 * 1_024 * 1_024;

interface OpenWire {
  readonly id: number;
  readonly wire: Wire;
}

export function serveWires({ platform, timeOriginMs, port }: WorkerSurroundings): void {
  const wires = new SocketWires(platform, {
    exchange: (exchange, wallMs) => port.post({ kind: 'exchange', exchange, wallMs }),
    slept: (localMs, wallMs) => port.post({ kind: 'slept', localMs, wallMs }),
    stray: () => port.post({ kind: 'stray' }),
  });
  let open: OpenWire | undefined;
  let untaken = 0;

  const openWire = (id: number, url: string): void => {
    untaken = 0;
    try {
      const wire = wires.open(url, {
        opened: () => port.post({ kind: 'opened', wire: id }),
        text: (text) => {
          untaken += text.length;
          if (untaken <= MOST_UNTAKEN_CHARACTERS) {
            port.post({ kind: 'text', wire: id, text });
            return;
          }
          wire.close();
          const reason = 'the page does not take what comes';
          port.post({ kind: 'ended', wire: id, code: CLOSE_CODES.too_slow, reason });
        },
        malformed: () => port.post({ kind: 'malformed', wire: id }),
        probed: () => port.post({ kind: 'probed', wire: id }),
        answered: () => port.post({ kind: 'answered', wire: id }),
        ended: (code, reason) => port.post({ kind: 'ended', wire: id, code, reason }),
        impossible: (message) => port.post({ kind: 'impossible', wire: id, message }),
      });
      open = { id, wire };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      port.post({ kind: 'impossible', wire: id, message });
    }
  };

  port.listen((message) => {
    // First of all: it is a stamp.
    const takenMs = platform.performanceNow();
    const wire = 'wire' in message && message.wire === open?.id ? open.wire : undefined;
    switch (message.kind) {
      case 'compare': {
        const { askedMs } = message;
        port.post({ kind: 'compared', askedMs, takenMs, toldMs: platform.performanceNow() });
        break;
      }
      case 'open':
        openWire(message.wire, message.url);
        break;
      case 'send':
        wire?.send(message.text);
        break;
      case 'ping':
        wire?.ping();
        break;
      case 'took':
        if (wire !== undefined) untaken -= message.characters;
        break;
      case 'close':
        wire?.close();
        break;
      case 'wake':
        wires.wake();
        break;
      case 'hidden':
        wires.setHidden(message.isHidden);
        break;
      case 'playing':
        wires.setPlaying(message.isPlaying);
        break;
      case 'stop':
        open?.wire.close();
        wires.stop();
        port.close();
        break;
    }
  });
  port.post({ kind: 'ready', timeOriginMs });
}
