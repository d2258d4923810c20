// Owns the truth about a hub on this machine: its time beside the machine's monotonic clock, from a quiet probe of its own.
import { decodeReply, encodeProbe } from '../../protocol/clock-frames.ts';
import { SOCKET_PATH, SUBPROTOCOL } from '../../protocol/version.ts';
import { WebSocket } from 'ws';

export interface HubTruth {
  /** Hub time minus the monotonic clock, ms. */
  readonly offsetMs: number;
  /** Proven. */
  readonly errorMs: number;
}

const PROBES = 300;
/** The hub takes 20 in any second. */
const SPACING_MS = 60;
/** One that is not answered is a loss like any other. */
const LOST_MS = 500;

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export async function hubTruth(port: number, token: string, probes = PROBES): Promise<HubTruth> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${SOCKET_PATH}`, SUBPROTOCOL);
  socket.binaryType = 'nodebuffer';
  let upperMs = Infinity;
  let lowerMs = -Infinity;
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const client = { name: 'truth', version: '1' };
  socket.send(JSON.stringify({ id: 1, type: 'hello', token, client }));
  for (let seq = 1; seq <= probes; seq += 1) {
    const answered = new Promise<void>((resolve) => {
      const lost = setTimeout(() => over(), LOST_MS);
      const over = (): void => {
        clearTimeout(lost);
        socket.off('message', listen);
        resolve();
      };
      const listen = (data: Buffer, isBinary: boolean): void => {
        const t3 = monotonicMs();
        const reply = isBinary ? decodeReply(data) : undefined;
        if (reply?.seq !== seq) return;
        upperMs = Math.min(upperMs, reply.t1 - reply.t0);
        lowerMs = Math.max(lowerMs, reply.t2 - t3);
        over();
      };
      socket.on('message', listen);
    });
    socket.send(encodeProbe({ seq, t0: monotonicMs() }));
    await answered;
    await new Promise((resolve) => setTimeout(resolve, SPACING_MS));
  }
  socket.close();
  if (upperMs === Infinity) throw new Error('the hub answers no probe');
  return { offsetMs: (upperMs + lowerMs) / 2, errorMs: (upperMs - lowerMs) / 2 };
}
