import { describe, expect, test } from 'vitest';
import { Corridor } from '../../src/clock/corridor.ts';
import type { ProvenInterval } from '../../src/clock/exchange.ts';
import { PathMemory } from '../../src/clock/path-memory.ts';
import { exchange } from './support/exchange.ts';

const leastRttMs = 20;

/** What a probe proves of an offset of 0 when its ways take 10 ms and their queues. */
function probe(atMs: number, upQueueMs: number, downQueueMs: number): ProvenInterval {
  const upMs = 10 + upQueueMs;
  const downMs = 10 + downQueueMs;
  const rttMs = upMs + downMs;
  return { upperMs: upMs, upperAt: atMs, lowerMs: -downMs, lowerAt: atMs + rttMs, rttMs };
}

function jumped(probes: readonly ProvenInterval[], asleep = false): PathMemory {
  const memory = new PathMemory();
  memory.begin(leastRttMs, 0, asleep);
  for (const each of probes) memory.see(each);
  return memory;
}

function widthOf(probes: readonly ProvenInterval[]): number {
  const upperMs = Math.min(...probes.map((each) => each.upperMs));
  return upperMs - Math.max(...probes.map((each) => each.lowerMs));
}

describe('PathMemory', () => {
  test('leans nowhere before a jump, nor when the path is at rest', () => {
    const memory = new PathMemory();
    memory.see(probe(0, 100, 0));
    expect(memory.leanOf(120, 0)).toEqual({ byMs: 0, unsureMs: 0 });
    expect(jumped([probe(0, 0, 0), probe(500, 0, 0)]).leanOf(20, 0).byMs).toBe(0);
  });

  test.each([
    ['up', 1],
    ['down', -1],
  ] as const)('a queue that sways on the way %s is taken off it', (way, sign) => {
    const probes = [200, 90, 150, 120].map((queueMs, index) =>
      way === 'up' ? probe(index * 500, queueMs, 0.4) : probe(index * 500, 0.4, queueMs),
    );
    const { byMs, unsureMs } = jumped(probes).leanOf(widthOf(probes), 0);
    // The corridor's middle is off by half of the least queue.
    expect(byMs * -sign).toBeGreaterThan(42);
    expect(byMs * -sign).toBeLessThan(47);
    expect(unsureMs).toBeLessThan(5);
  });

  test('what stays the same may be a longer path as well as a queue: it is unsure by half of it', () => {
    const probes = [0, 500, 1_000].map((at) => probe(at, 60, 0));
    const { byMs, unsureMs } = jumped(probes).leanOf(80, 0);
    expect(Math.abs(byMs)).toBeLessThan(8);
    expect(unsureMs).toBeGreaterThan(25);
  });

  test('probes of one burst that were let through together tell of one delay, not of one that sways', () => {
    // All four answers come at the same moment: the way down held them, and the way up looks as if it swayed.
    const held = [0, 20, 40, 60].map((at) => probe(at, 0, 100 - at));
    const memory = jumped(held, true);
    expect(memory.isTelling).toBe(false);
    const { byMs, unsureMs } = memory.leanOf(widthOf(held), 0);
    expect(Math.abs(byMs)).toBeLessThan(1);
    expect(unsureMs).toBeGreaterThan(10);
    memory.see(probe(500, 0, 5));
    expect(memory.isTelling).toBe(true);
  });

  test('what the queue did just before counts, unless the device slept since', () => {
    const before = new PathMemory();
    const asleep = new PathMemory();
    for (const memory of [before, asleep]) {
      for (const at of [-1_500, -1_000, -500]) {
        memory.note(probe(at, 100 - at / 50, 0), 0, leastRttMs);
      }
      memory.begin(leastRttMs, 0, memory === asleep);
      memory.see(probe(0, 120, 0));
    }
    expect(before.leanOf(140, 0).byMs).toBeLessThan(-50);
    expect(Math.abs(asleep.leanOf(140, 0).byMs)).toBeLessThan(1);
  });

  test('a second jump before the first is settled still knows the path from before both', () => {
    const memory = jumped([probe(0, 150, 0)]);
    memory.begin(170, 1_000, false);
    memory.see(probe(1_000, 90, 0));
    memory.see(probe(1_500, 180, 0));
    expect(memory.leanOf(110, 0).byMs).toBeLessThan(-40);
  });

  test('forgets when it ends', () => {
    const memory = jumped([probe(0, 150, 0), probe(500, 90, 0)]);
    memory.end();
    expect(memory.isActive).toBe(false);
    expect(memory.leanOf(110, 0)).toEqual({ byMs: 0, unsureMs: 0 });
  });
});

describe('a corridor after a jump', () => {
  test('behind a queue on the way up it is nearer than half of the queue, and proven', () => {
    const corridor = new Corridor({ quantumMs: 0.005 });
    for (let at = 0; at < 30_000; at += 1_000) corridor.observe(exchange(at, 0, 10, 10));
    corridor.setPlaying(true);
    const queues = [180, 95, 140, 110, 170, 125];
    for (const [index, queueMs] of queues.entries()) {
      corridor.observe(exchange(30_000 + index * 400, 500, 10 + queueMs, 10.3));
    }
    const reading = corridor.readingAt(32_300);
    expect(reading.resets).toBe(1);
    expect(Math.abs(reading.offsetMs - 500)).toBeLessThan(8);
    expect(reading.maxErrorMs).toBeGreaterThan(95);
  });
});
