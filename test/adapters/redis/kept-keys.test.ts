// Where everything lies in Redis: kept, as nodes of two versions must look for the same thing in the same place.
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RoomCode } from '../../../protocol/ids.ts';
import type { ToldKind } from '../../../src/adapters/redis/redis-channels.ts';
import { RedisKeys } from '../../../src/adapters/redis/redis-keys.ts';
import { testKept, type Example } from './kept-words.ts';
import { ANA, ROOM } from './words-place.ts';

const keys = new RedisKeys(16);
const NAMES: { readonly [K in Exclude<keyof RedisKeys, 'partitions'>]: string } = {
  partitionOf: String(keys.partitionOf(ROOM)),
  room: keys.room(ROOM),
  events: keys.events(ROOM),
  idempotency: keys.idempotency(ROOM, `${ANA}:k`),
  inhabited: keys.inhabited(3),
  outbox: keys.outbox(3),
  outboxLease: keys.outboxLease(3),
  rejected: keys.rejected(3),
  changed: keys.changed(3),
  left: keys.left(3),
  idleLease: keys.idleLease(3),
  channel: keys.channel(3),
  told: keys.told(3),
  barrier: keys.barrier(3),
  presence: keys.presence(ROOM),
  chat: keys.chat(ROOM),
  chatKey: keys.chatKey(ROOM, `${ANA}:k`),
  feedHead: keys.feedHead(ANA),
  feedChannel: keys.feedChannel(ANA),
  feedPartitionOf: String(keys.feedPartitionOf(ANA)),
  feedProof: keys.feedProof(3, 'east'),
  rate: keys.rate('guests', '192.0.2.7'),
  ratePartitionOf: String(keys.ratePartitionOf('192.0.2.7')),
  code: keys.code('KTCHN2' as RoomCode),
  partitionCount: keys.partitionCount,
  hubTime: keys.hubTime,
  alive: keys.alive,
  nodes: keys.nodes,
};

describe('the names in Redis', () => {
  // Another name is not another word, but another place: here the kept one must be the one that is used.
  testKept(
    'keys',
    Object.fromEntries(
      Object.entries(NAMES).map(([what, name]): [string, Example<string>] => [
        what,
        { write: () => name, read: () => name },
      ]),
    ),
  );

  it('are all different', () => {
    const names = Object.values(NAMES).filter((name) => name.startsWith('earshot'));
    expect(new Set(names).size).toBe(names.length);
  });
});

/** Which family keeps what is told of it. */
const FAMILIES: { readonly [K in ToldKind]: string } = {
  a: 'room-log',
  c: 'chat',
  p: 'presence',
  b: 'bus',
};

describe('each kind of message on the channels of rooms', () => {
  it.each(Object.entries(FAMILIES))('is kept: %s by %s', (kind, family) => {
    const folder = 'test/fixtures/words';
    const files = readdirSync(folder).filter((name) => name.startsWith(`${family}-1`));
    const texts = files.map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
    expect(texts.join('')).toContain(String.raw`"1\n${kind}\neast\n`);
  });
});
