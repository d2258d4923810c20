// Owns which output device sounds, as far as a browser tells without the microphone's permission, and what is remembered of each.
// Must not know tracks, rooms, or where things are stored.

/** What is remembered of one output device. */
export interface DeviceSettings {
  /** By how much it is later than the browser says, as its owner heard; sound is sent that much earlier. */
  readonly nudgeMs: number;
  /** What the browser said of it when it said something credible. */
  readonly latencyMs?: number;
}

/** Where it is kept. Keys are opaque, and the same for one device from one visit to the next, as far as that can be known. */
export interface DeviceMemory {
  recall(key: string): DeviceSettings | undefined;
  remember(key: string, settings: DeviceSettings): void;
}

/** What can be seen of the device that sounds. */
export interface DeviceSigns {
  /** As the page chose it; empty: the system's default, whichever that is. */
  readonly sinkId: string;
  /** Of the default output. Browsers tell it only where the microphone was allowed once. */
  readonly label: string | undefined;
  readonly channels: number;
  /** Undefined until it is known well. */
  readonly latencyMs: number | undefined;
}

export interface OutputDevice extends DeviceSettings {
  readonly key: string;
  readonly label?: string;
  /** How often another device was noticed since the first was known. */
  readonly changes: number;
}

/** Wires and built-in speakers stay below, Bluetooth, AirPlay and television sets above; in between it stays as it was. */
const nearMostMs = 70;
const farLeastMs = 100;
/** A latency that moved by less is not worth remembering anew. */
const latencyStepMs = 5;

type Reach = 'near' | 'far';

/**
 * A device is known by the sink that the page chose, else by the name of the default output where the browser tells it, else by its path
 * alone: how many channels it has, and whether it is near or far. Two pairs of wired headphones are then one device; that cannot be
 * known. Neither the sample rate nor the length of a buffer is part of it: they belong to the context, and would make another device of
 * the same one after a reload.
 */
export class OutputDevices {
  readonly #memory: DeviceMemory;
  #reach: Reach | undefined;
  #isKnown = false;
  #device: OutputDevice;

  constructor(memory: DeviceMemory = createForgetfulMemory()) {
    this.#memory = memory;
    const key = pathKey(2, 'near');
    this.#device = { key, changes: 0, ...this.#recall(key) };
  }

  get current(): OutputDevice {
    return this.#device;
  }

  /** @returns whether another nudge is in force than before */
  observe(signs: DeviceSigns): boolean {
    const { sinkId, label, channels, latencyMs } = signs;
    this.#reach = reachOf(latencyMs, this.#reach);
    const isCertain = sinkId !== '' || label !== undefined || this.#reach !== undefined;
    if (!isCertain) return false;
    const key = keyOf(sinkId, label, pathKey(channels, this.#reach ?? 'near'));
    const before = this.#device;
    if (key !== before.key || !this.#isKnown) {
      const changes = before.changes + (this.#isKnown && key !== before.key ? 1 : 0);
      this.#isKnown = true;
      this.#device = {
        key,
        changes,
        ...(label !== undefined && { label }),
        ...(key === before.key ? settingsOf(before) : this.#recall(key)),
      };
    }
    this.#learn(latencyMs);
    return this.#device.nudgeMs !== before.nudgeMs;
  }

  setNudge(nudgeMs: number): void {
    this.#device = { ...this.#device, nudgeMs };
    this.#memory.remember(this.#device.key, settingsOf(this.#device));
  }

  #learn(latencyMs: number | undefined): void {
    if (latencyMs === undefined) return;
    const known = this.#device.latencyMs;
    if (known !== undefined && Math.abs(known - latencyMs) < latencyStepMs) return;
    this.#device = { ...this.#device, latencyMs };
    this.#memory.remember(this.#device.key, settingsOf(this.#device));
  }

  #recall(key: string): DeviceSettings {
    return this.#memory.recall(key) ?? { nudgeMs: 0 };
  }
}

/** For a client that keeps nothing: each device is remembered while the player lives. */
export function createForgetfulMemory(): DeviceMemory {
  const devices = new Map<string, DeviceSettings>();
  return {
    recall: (key) => devices.get(key),
    remember: (key, settings) => devices.set(key, settings),
  };
}

function settingsOf({ nudgeMs, latencyMs }: DeviceSettings): DeviceSettings {
  return latencyMs === undefined ? { nudgeMs } : { nudgeMs, latencyMs };
}

function keyOf(sinkId: string, label: string | undefined, path: string): string {
  if (sinkId !== '') return `sink:${sinkId}`;
  return label === undefined ? path : `named:${label}`;
}

function pathKey(channels: number, reach: Reach): string {
  return `path:${channels}:${reach}`;
}

function reachOf(latencyMs: number | undefined, before: Reach | undefined): Reach | undefined {
  if (latencyMs === undefined) return before;
  if (latencyMs <= nearMostMs) return 'near';
  if (latencyMs >= farLeastMs) return 'far';
  return before ?? (latencyMs < (nearMostMs + farLeastMs) / 2 ? 'near' : 'far');
}
