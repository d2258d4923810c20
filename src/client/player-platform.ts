// Owns what the player takes from the browser, in one place that tests replace; knows nothing of what it is for.
import type { LevelMemory } from './track-levels.ts';

export interface PlayerPlatform {
  /** Local monotonic ms, the same clock as the room's. */
  readonly now: () => number;
  /** Calls once after so many ms; returns what cancels it. */
  readonly after: (ms: number, call: () => void) => () => void;
  readonly fetch: typeof fetch;
  /** Absent where there is no Web Audio. */
  readonly createContext?: () => AudioContext;
  /** Absent where there are no media elements. */
  readonly createElement?: () => HTMLAudioElement;
  /** The page came back to the foreground or from sleep; returns the remover. */
  readonly onWake: (listener: () => void) => () => void;
  /** Audio devices came or went; returns the remover. Absent where the browser does not tell. */
  readonly onDeviceChange?: (listener: () => void) => () => void;
  /** Names the default output; resolves with undefined where the browser keeps that to itself. */
  readonly outputLabel?: () => Promise<string | undefined>;
  readonly deviceMemoryGb?: number;
  /** Lets the page do what waits, and comes back at once, also in a hidden tab, where timers are slow. */
  readonly pause: () => Promise<void>;
  /** What is known of tracks' loudness, kept between visits; absent where nothing can be kept. */
  readonly levelMemory?: LevelMemory;
}

export function browserPlatform(): PlayerPlatform {
  const memory = (globalThis.navigator as { deviceMemory?: number } | undefined)?.deviceMemory;
  return {
    now: () => performance.now(),
    after: (ms, call) => {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    fetch: (...request) => fetch(...request),
    // Larger buffers cost a delay that is known and taken off, and make dropouts rare.
    ...('AudioContext' in globalThis && {
      createContext: () => new AudioContext({ latencyHint: 'playback' }),
    }),
    ...('Audio' in globalThis && { createElement: () => new Audio() }),
    onWake: (listener) => {
      if (!('document' in globalThis)) return () => undefined;
      document.addEventListener('visibilitychange', listener);
      // Thawed by the browser, while still hidden.
      document.addEventListener('resume', listener);
      globalThis.addEventListener('pageshow', listener);
      return () => {
        document.removeEventListener('visibilitychange', listener);
        document.removeEventListener('resume', listener);
        globalThis.removeEventListener('pageshow', listener);
      };
    },
    ...deviceNews(),
    ...(memory !== undefined && { deviceMemoryGb: memory }),
    pause,
    levelMemory: { read: readLevels, write: writeLevels },
  };
}

function pause(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

const levelsKey = 'earshot.levels';

function readLevels(): string | null {
  try {
    return localStorage.getItem(levelsKey);
  } catch {
    return null; // Storage is off: tracks are measured anew.
  }
}

function writeLevels(text: string): void {
  try {
    localStorage.setItem(levelsKey, text);
  } catch {
    // Full or off: tracks are measured anew on the next visit.
  }
}

/** What a page that is not secure, or an old browser, does not have. */
function deviceNews(): Pick<PlayerPlatform, 'onDeviceChange' | 'outputLabel'> {
  const devices = (globalThis.navigator as { mediaDevices?: MediaDevices } | undefined)
    ?.mediaDevices;
  if (devices === undefined) return {};
  return {
    onDeviceChange: (listener) => {
      devices.addEventListener('devicechange', listener);
      return () => devices.removeEventListener('devicechange', listener);
    },
    outputLabel: async () => {
      const all = await devices.enumerateDevices();
      const label = all.find(
        ({ kind, deviceId }) => kind === 'audiooutput' && deviceId === 'default',
      )?.label;
      return label === '' ? undefined : label?.replace(/^Default - /, '');
    },
  };
}

const megabyte = 2 ** 20;

/** How much decoded sound a device may hold when nothing was said: four stereo minutes are about 90 MB. */
export function defaultDecodedBytes({ deviceMemoryGb }: PlayerPlatform): number {
  if (deviceMemoryGb === undefined || deviceMemoryGb <= 4) {
    return (deviceMemoryGb ?? 4) <= 2 ? 100 * megabyte : 220 * megabyte;
  }
  return 400 * megabyte;
}
