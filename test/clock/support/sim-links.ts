// Owns the simulated networks: how long a frame takes each way, in order as TCP keeps it; knows nothing of what is sent.

import type { SeededRandom } from './seeded-random.ts';

export const linkNames = ['lan', 'wifi', 'busy', 'lte', 'atlantic', 'bloat'] as const;
export type LinkName = (typeof linkNames)[number];

interface LinkModel {
  readonly upMs: number;
  readonly downMs: number;
  readonly loss: number;
  /** Jitter of a frame sent at `at` when the last one that way was sent `idle` ms before. */
  up(random: SeededRandom, at: number, idle: number): number;
  down(random: SeededRandom, at: number, idle: number): number;
}

/** Alternating on and off with fixed lengths and a phase that differs per run. */
type Phases = (at: number, onMs: number, offMs: number) => { on: boolean; sinceMs: number };

const wifiBase = {
  upMs: 1.0,
  downMs: 0.8,
  up: (random: SeededRandom): number =>
    random.exponential(0.8) + (random.chance(0.08) ? random.uniform(3, 25) : 0),
  down: (random: SeededRandom, idle: number): number =>
    random.exponential(0.6) +
    (random.chance(0.08) ? random.uniform(3, 25) : 0) +
    (idle > 200 && random.chance(0.15) ? random.uniform(0, 100) : 0),
};

function linkModel(name: LinkName, phases: Phases): LinkModel {
  switch (name) {
    case 'lan': {
      const jitter = (random: SeededRandom): number =>
        random.exponential(0.04) + (random.chance(0.005) ? random.uniform(1, 8) : 0);
      return { upMs: 0.12, downMs: 0.12, loss: 0, up: jitter, down: jitter };
    }
    case 'wifi':
      return {
        ...wifiBase,
        loss: 0.003,
        up: (random) => wifiBase.up(random),
        down: (random, _at, idle) => wifiBase.down(random, idle),
      };
    case 'busy':
      return {
        ...wifiBase,
        loss: 0.01,
        up: (random, at) =>
          wifiBase.up(random) + (phases(at, 8_000, 12_000).on ? random.exponential(15) : 0),
        down: (random, at, idle) =>
          wifiBase.down(random, idle) + (phases(at, 8_000, 12_000).on ? random.exponential(8) : 0),
      };
    case 'lte':
      return {
        upMs: 22,
        downMs: 16,
        loss: 0.002,
        up: (random, _at, idle) =>
          random.uniform(0, 10) +
          8 * random.geometric(0.1) +
          (idle > 10_000 ? random.uniform(50, 150) : 0),
        down: (random, _at, idle) => (idle > 100 && random.chance(0.5) ? random.uniform(0, 40) : 0),
      };
    case 'atlantic': {
      const jitter = (random: SeededRandom): number =>
        random.exponential(0.4) + (random.chance(0.01) ? random.uniform(2, 30) : 0);
      return { upMs: 41, downMs: 39, loss: 0.003, up: jitter, down: jitter };
    }
    case 'bloat':
      return {
        upMs: 14,
        downMs: 9,
        loss: 0.005,
        up: (random, at) => {
          const { on, sinceMs } = phases(at, 15_000, 20_000);
          // The queue fills, is cut back by a loss, and fills again: a tooth every two seconds.
          const queue = on ? 90 + 210 * ((sinceMs % 2_000) / 2_000) : 0;
          return random.exponential(1) + queue;
        },
        down: (random, at) =>
          random.exponential(1) + (phases(at, 5_000, 60_000).on ? random.uniform(40, 100) : 0),
      };
  }
}

/** A change of route at a true time: the least delays of both ways from then on. */
export interface RouteChange {
  readonly atMs: number;
  readonly upMs: number;
  readonly downMs: number;
}

/** Something on the way holds frames back for a while: one way, or both. */
export interface Detour {
  readonly atMs: number;
  readonly forMs: number;
  readonly upMs?: number;
  readonly downMs?: number;
}

export class SimLink {
  readonly #random: SeededRandom;
  readonly #model: LinkModel;
  readonly #routes: readonly RouteChange[];
  readonly #detours: readonly Detour[];
  #lastUpSent = -1e9;
  #lastUpArrived = -1e9;
  #lastDownSent = -1e9;
  #lastDownArrived = -1e9;

  /** `quietJoin`: what is on and off by turns (cross traffic, a full queue) starts with its quiet part. */
  constructor(
    name: LinkName,
    random: SeededRandom,
    {
      routes = [],
      detours = [],
      quietJoin = false,
    }: {
      routes?: readonly RouteChange[];
      detours?: readonly Detour[];
      quietJoin?: boolean;
    } = {},
  ) {
    this.#random = random;
    const part = random.next();
    this.#model = linkModel(name, (at, onMs, offMs) => {
      const offset = quietJoin ? onMs : part * (onMs + offMs);
      const sinceMs = (at + offset) % (onMs + offMs);
      return { on: sinceMs < onMs, sinceMs };
    });
    this.#routes = routes;
    this.#detours = detours;
  }

  /** (least up − least down)/2: what no end-to-end method can see. */
  asymmetryAt(trueMs: number): number {
    const { upMs, downMs } = this.#baseAt(trueMs);
    return (upMs - downMs) / 2;
  }

  /** When a frame that leaves the client at a true time reaches the hub. Calls in order of time. */
  up(sentMs: number): number {
    const { upMs } = this.#baseAt(sentMs);
    const held = this.#heldBack('upMs', sentMs);
    const delay = upMs + held + this.#model.up(this.#random, sentMs, sentMs - this.#lastUpSent);
    this.#lastUpSent = sentMs;
    this.#lastUpArrived = Math.max(this.#lastUpArrived, sentMs + delay + this.#resending(sentMs));
    return this.#lastUpArrived;
  }

  down(sentMs: number): number {
    const { downMs } = this.#baseAt(sentMs);
    const held = this.#heldBack('downMs', sentMs);
    const delay =
      downMs + held + this.#model.down(this.#random, sentMs, sentMs - this.#lastDownSent);
    this.#lastDownSent = sentMs;
    this.#lastDownArrived = Math.max(
      this.#lastDownArrived,
      sentMs + delay + this.#resending(sentMs),
    );
    return this.#lastDownArrived;
  }

  /** TCP sends a lost segment again after its timeout, and all that follows waits for it. */
  #resending(atMs: number): number {
    if (!this.#random.chance(this.#model.loss)) return 0;
    const { upMs, downMs } = this.#baseAt(atMs);
    return Math.max(200, upMs + downMs);
  }

  #heldBack(way: 'upMs' | 'downMs', sentMs: number): number {
    let heldMs = 0;
    for (const detour of this.#detours) {
      if (sentMs >= detour.atMs && sentMs < detour.atMs + detour.forMs) heldMs += detour[way] ?? 0;
    }
    return heldMs;
  }

  #baseAt(trueMs: number): { upMs: number; downMs: number } {
    let base: { upMs: number; downMs: number } = this.#model;
    for (const route of this.#routes) if (trueMs >= route.atMs) base = route;
    return base;
  }
}
