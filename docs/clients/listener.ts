// A whole listener in one file, for docs/protocol.md: follows a room and says what plays where. Nothing of Earshot's own code is used.
// Run it with the address of an Earshot and the code of a room. It needs the package `ws`.
import { WebSocket } from 'ws';

type Json = Record<string, unknown>;
interface Anchor {
  state: 'playing' | 'paused' | 'stopped';
  at: number;
  positionMs: number;
  durationMs?: number;
  entryId?: string;
}
interface Room extends Json {
  playback: { timeline: Anchor[] };
  queue: Record<string, { title: string }>;
}
interface Revision {
  revision: number;
  patch: Json;
  hash?: string;
}

const [url = 'http://localhost:8080', code = ''] = process.argv.slice(2);

/** Anything that only goes forward will do (CL1). */
const now = (): number => performance.now();

// The clock: an exchange proves that hub time minus ours lies between t2 − t3 and t1 − t0 (CL2).

const WANDER = 100e-6; // two crystals come apart by less, ms per ms
let proofs: { lower: number; upper: number; at: number }[] = [];
let timelineId: number | undefined;

function onClockReply(bytes: Buffer): void {
  const t3 = now();
  const [t0, t1, t2] = [bytes.readDoubleLE(8), bytes.readDoubleLE(16), bytes.readDoubleLE(24)];
  const id = bytes.readUInt16LE(2);
  if (id !== timelineId) proofs = []; // hub time has jumped (CL5)
  timelineId = id;
  proofs.push({ lower: t2 - t3, upper: t1 - t0, at: t3 });
  proofs = proofs.filter(({ at }) => t3 - at < 600_000);
}

/** Hub time now: the middle of what all proofs leave open, each widened by what may have changed since. */
function hubTime(): number | undefined {
  const t = now();
  const lower = Math.max(...proofs.map((p) => p.lower - (t - p.at) * WANDER));
  const upper = Math.min(...proofs.map((p) => p.upper + (t - p.at) * WANDER));
  return proofs.length === 0 ? undefined : t + (lower + upper) / 2;
}

// The room: a state, its number, and patches (RM2 to RM6).

let room: Room | undefined;
let held: { epoch: number; revision: number } | undefined;

/** RFC 7396. */
function patched(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target);
  const result = new Map(isObject ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, patched(result.get(key), value));
  }
  return Object.fromEntries(result);
}

/** FNV-1a of 64 bits over canonical JSON (RFC 8785). */
function hashOf(value: unknown): string {
  const canonical = (of: unknown): string => {
    if (Array.isArray(of)) return `[${of.map(canonical).join(',')}]`;
    if (typeof of !== 'object' || of === null) return JSON.stringify(of);
    const keys = Object.keys(of).sort();
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical((of as Json)[key])}`).join(',')}}`;
  };
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(canonical(value)))
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, '0');
}

interface Snapshot {
  epoch: number;
  revision: number;
  hash: string;
  room: Room;
}

/** @returns false where it is not the hub's state: join again from the beginning (RM6) */
function takeSnapshot(of: Snapshot): boolean {
  room = of.room;
  held = { epoch: of.epoch, revision: of.revision };
  return isProven(of.hash);
}

function isProven(hash: string): boolean {
  if (hashOf(room) === hash) return true;
  console.error('a hash differs');
  held = undefined;
  return false;
}

/** @returns false where something was missed: join again with `since` */
function take(epoch: number, revisions: Revision[]): boolean {
  for (const { revision, patch, hash } of revisions) {
    if (held === undefined || epoch !== held.epoch || revision > held.revision + 1) return false;
    if (revision <= held.revision) continue; // had it already
    room = patched(room, patch) as Room;
    held = { epoch, revision };
    if (hash !== undefined && !isProven(hash)) return false;
  }
  return true;
}

// What plays: the last anchor that is in force, and from it the position (PB2, PB3).

function tell(): void {
  const t = hubTime();
  if (t === undefined || room === undefined) return;
  const { timeline } = room.playback;
  const anchor = timeline.findLast(({ at }) => at <= t) ?? timeline[0];
  if (anchor === undefined || anchor.entryId === undefined) {
    console.log(JSON.stringify({ state: 'stopped' }));
    return;
  }
  const ran = anchor.state === 'playing' ? Math.max(0, t - anchor.at) : 0;
  const positionMs = Math.min(anchor.positionMs + ran, anchor.durationMs ?? Infinity);
  const title = room.queue[anchor.entryId]?.title;
  console.log(JSON.stringify({ state: anchor.state, title, positionMs, hubTime: t }));
}

// The connection: hello, the clock, the room; and again when it is lost (SE1, SE7).

async function newToken(): Promise<string> {
  const created = await fetch(`${url}/v1/guests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Guide' }),
  });
  return ((await created.json()) as { token: string }).token;
}

type Message = Json & { type: string; id?: number };

let token = await newToken();

function connect(attempt: number): void {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/socket`, 'earshot.v1');
  let seq = 0;
  let lastId = 0;
  let hello: number | undefined;
  let joining: number | undefined; // the id of the join under way
  let wasIn = false;
  let probing: ReturnType<typeof setTimeout> | undefined;

  const ask = (type: string, body: Json): number => {
    lastId += 1;
    if (socket.readyState === WebSocket.OPEN)
      socket.send(JSON.stringify({ id: lastId, type, ...body }));
    return lastId;
  };
  const join = (): void => {
    joining = ask('room.join', { code, ...(held && { since: held }) });
  };
  const probe = (): void => {
    const bytes = Buffer.alloc(16);
    bytes.set([1, 1]);
    bytes.writeUInt32LE(seq, 4);
    bytes.writeDoubleLE(now(), 8);
    socket.send(bytes);
    seq += 1;
    probing = setTimeout(probe, seq < 8 ? 150 : 10_000);
  };

  const onReply = (message: Message): void => {
    if (message.id === hello && message.type === 'ok') join();
    if (message.id !== joining) return;
    if (message.type === 'error') {
      const {
        code: why,
        retryable,
        retryAfterMs = 1_000,
      } = message as Message & {
        code: string;
        retryable: boolean;
        retryAfterMs?: number;
      };
      if (!retryable) throw new Error(`the room lets nobody in: ${why}`);
      setTimeout(join, retryAfterMs);
      return;
    }
    joining = undefined;
    wasIn = true;
    const { snapshot, resumed } = message as Message & {
      snapshot?: Snapshot;
      resumed?: { epoch: number; revisions: Revision[] };
    };
    const isTaken =
      snapshot === undefined
        ? resumed !== undefined && take(resumed.epoch, resumed.revisions)
        : takeSnapshot(snapshot);
    if (!isTaken) join();
  };

  const onPush = (message: Message): void => {
    switch (message.type) {
      case 'room.events': {
        // While a join is under way its answer has all that comes meanwhile.
        const { epoch, revisions } = message as Message & { epoch: number; revisions: Revision[] };
        if (joining === undefined && !take(epoch, revisions)) join();
        break;
      }
      case 'room.snapshot':
        if (!takeSnapshot(message as Message & Snapshot)) join();
        break;
      case 'room.left':
        throw new Error(`the room is left: ${String(message['reason'])}`); // RM11
      case 'hub.draining':
        // This node goes, and others serve (SE6).
        setTimeout(() => socket.close(), Math.random() * Number(message['reconnectWithinMs']));
        break;
      // Whatever else comes is not for us, and is left alone (GR5).
    }
  };

  socket.on('open', () => {
    hello = ask('hello', { token, client: { name: 'guide', version: '1' } });
    probe();
  });
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) {
      onClockReply(data);
      return;
    }
    const message = JSON.parse(data.toString()) as Message;
    if (message.id === undefined) onPush(message);
    else onReply(message);
  });
  socket.on('error', () => undefined); // 'close' follows
  socket.on('close', (closeCode) => {
    clearTimeout(probing);
    if (closeCode >= 4500) throw new Error(`only a person can help: ${closeCode}`); // SE7
    const next = wasIn ? 0 : attempt + 1;
    const waitMs = Math.random() * Math.min(30_000, 500 * 2 ** next);
    setTimeout(() => void comeBack(closeCode, next), waitMs);
  });
}

async function comeBack(closeCode: number, attempt: number): Promise<void> {
  if (closeCode === 4005) token = await newToken(); // the token has ended
  connect(attempt);
}

connect(0);
setInterval(tell, 1_000);
