// A real process under attack: each wrong thing has its clear end, memory stays flat, and a neighbour notices nothing.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { encodeProbe } from '../../protocol/clock-frames.ts';
import { MAX_FRAME_BYTES } from '../../protocol/codec.ts';
import { SOCKET_PATH, SUBPROTOCOL } from '../../protocol/version.ts';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { RawConnection } from '../support/raw-connection.ts';
import { handshakeText } from '../support/raw-websocket.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { WireClient, guestToken, type GuestToken } from '../support/wire-client.ts';

const ROUNDS = 6;
/** The first rounds bring in code and buffers that stay. */
const SETTLED_AFTER = 2;
const MOST_GROWN_BYTES = 24 * 1_024 * 1_024;
/** Those who say something at once have it, though a flood comes before them in the same loop. */
const HELLO_TIMEOUT_MS = 2_000;
const NOWHERE = '00000000-0000-4000-8000-000000000001';

let earshot: EarshotProcess;
/** One for each flood: who has asked too much is not even greeted for a moment. */
let flooders: readonly GuestToken[];
let random = new SeededRandom(1);

interface Attacker {
  readonly socket: WebSocket;
  readonly replies: { readonly type: string; readonly code?: string }[];
  readonly binary: Buffer[];
  readonly closed: Promise<number>;
}

/** A socket that keeps what it gets, and never fails. */
async function attacker(): Promise<Attacker> {
  const socket = new WebSocket(earshot.url.replace(/^http/, 'ws') + SOCKET_PATH, SUBPROTOCOL);
  const replies: { type: string; code?: string }[] = [];
  const binary: Buffer[] = [];
  socket.on('error', () => undefined);
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) binary.push(data);
    else replies.push(JSON.parse(data.toString()) as { type: string });
  });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('open', resolve));
  return { socket, replies, binary, closed };
}

async function greeted(flooder: number): Promise<Attacker> {
  const one = await attacker();
  const token = flooders[flooder]?.token;
  const hello = { id: 0, type: 'hello', token, client: { name: 'x', version: '1' } };
  one.socket.send(JSON.stringify(hello));
  await expect.poll(() => one.replies.map(({ type }) => type)).toEqual(['ok']);
  return one;
}

/** Sends one frame before the hello. @returns the close code */
async function closedBy(frame: string | Uint8Array, binary = false): Promise<number> {
  const { socket, closed } = await attacker();
  socket.send(frame, { binary });
  return closed;
}

async function fuzz(): Promise<void> {
  for (let n = 0; n < 40; n += 1) {
    const bytes = Uint8Array.from({ length: 1 + Math.floor(random.next() * 400) }, () =>
      Math.floor(random.next() * 256),
    );
    // As text, bytes that are no UTF-8 are refused by whichever transport serves, before the hub sees them.
    expect([4500, 1006, 1007]).toContain(await closedBy(bytes, n % 2 === 0));
  }
}

async function sizesAndShapes(): Promise<void> {
  const padded = (bytes: number): string =>
    JSON.stringify({ id: 1, type: 'hello', x: 'x'.repeat(bytes) });
  expect(await closedBy(padded(MAX_FRAME_BYTES))).toBe(4500);
  expect([1006, 1009]).toContain(await closedBy(padded(4_000_000)));
  expect(await closedBy(`{"id":1,"type":"hello","x":${'['.repeat(8_000)}`)).toBe(4500);
  const deep = `${'['.repeat(4_000)}${']'.repeat(4_000)}`;
  expect(await closedBy(`{"id":1,"type":"hello","x":${deep}}`)).toBe(4500);
  for (const wrong of ['null', '[]', '7', '{"id":{},"type":"hello"}', '{"id":1,"type":7}']) {
    expect(await closedBy(wrong)).toBe(4500);
  }
}

async function floods(): Promise<void> {
  const asking = await greeted(0);
  for (let id = 1; id <= 5_000; id += 1) {
    asking.socket.send(JSON.stringify({ id, type: 'room.leave', roomId: NOWHERE }));
  }
  expect(await asking.closed).toBe(4004);
  const codes = new Set(asking.replies.flatMap(({ code }) => code ?? []));
  expect(codes).toEqual(new Set(['rate_limited']));

  const greeting = await greeted(1);
  for (let id = 1; id <= 5_000; id += 1) {
    greeting.socket.send(JSON.stringify({ id, type: 'hello', token: 'x', client: {} }));
  }
  expect(await greeting.closed).toBe(4004);

  const probing = await greeted(2);
  for (let seq = 0; seq < 5_000; seq += 1) probing.socket.send(encodeProbe({ seq, t0: seq }));
  probing.socket.send(JSON.stringify({ id: 1, type: 'room.leave', roomId: NOWHERE }));
  await expect.poll(() => probing.replies.length).toBe(2);
  expect(probing.binary.length).toBeGreaterThanOrEqual(20);
  expect(probing.binary.length).toBeLessThan(100);
  probing.socket.terminate();
}

async function halfOpen(): Promise<void> {
  const started: RawConnection[] = [];
  for (let n = 0; n < 100; n += 1) {
    const connection = await RawConnection.open(earshot.port);
    connection.write(handshakeText({ port: earshot.port, path: SOCKET_PATH }).slice(0, n));
    started.push(connection);
  }
  const silent = await Promise.all(Array.from({ length: 100 }, () => attacker()));
  const codes = await Promise.all(silent.map(({ closed }) => closed));
  expect(new Set(codes)).toEqual(new Set([4003]));
  for (const connection of started) connection.destroy();
}

/** Of the process under attack. */
async function residentBytes(): Promise<number> {
  const pages = (await readFile(`/proc/${earshot.pid}/statm`, 'utf8')).split(' ')[1];
  return Number(pages) * 4_096;
}

describe.each(['uws', 'ws'] as const)('a service on %s', (transport) => {
  let removeData: () => Promise<void>;

  beforeAll(async () => {
    const data = await temporaryDir();
    removeData = () => data.remove();
    random = new SeededRandom(20_261_123);
    earshot = await EarshotProcess.start({
      DATA_DIR: path.join(data.dir, 'data'),
      TRANSPORT: transport,
      HELLO_TIMEOUT_MS: String(HELLO_TIMEOUT_MS),
    });
    const names = ['Mallory', 'Trudy', 'Oscar'];
    flooders = await Promise.all(names.map((name) => guestToken(earshot.url, name)));
  });

  afterAll(async () => {
    await earshot.end('SIGTERM');
    await removeData();
  });

  it('ends each attack with its code, keeps its memory, and serves its neighbours', async () => {
    const neighbour = await WireClient.enter(earshot.url, await guestToken(earshot.url, 'Nell'));
    const roomId = (await neighbour.ask('room.create', { name: 'Quiet' }))?.['roomId'];
    const resident: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all([fuzz(), sizesAndShapes(), floods(), halfOpen()]);
      const said = await neighbour.ask('chat.send', { roomId, text: `round ${round}` });
      expect(said).toMatchObject({ type: 'ok', seq: round + 1 });
      resident.push(await residentBytes());
    }
    const settled = resident[SETTLED_AFTER - 1] ?? 0;
    const grown = Math.max(...resident) - settled;
    expect(grown, `resident bytes by round: ${resident.join(', ')}`).toBeLessThan(MOST_GROWN_BYTES);
    expect(earshot.lines.filter(({ level }) => level === 'error')).toEqual([]);
    neighbour.close();
  });
});
