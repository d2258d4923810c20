// Owns what this browser remembers of output devices; must not know what a nudge does.
import type { DeviceMemory, DeviceSettings } from '../client/output-devices.ts';
import { recall, remember } from './browser-store.ts';

const KEY = 'outputs';
/** Beyond this the one that was changed longest ago is forgotten. */
const MAX_DEVICES = 24;

export function browserDeviceMemory(): DeviceMemory {
  return {
    recall: (key) => recallAll()[key],
    remember: (key, settings) => {
      const { [key]: _, ...others } = recallAll();
      const newest = [...Object.entries(others).slice(1 - MAX_DEVICES), [key, settings]];
      remember(KEY, Object.fromEntries(newest));
    },
  };
}

function recallAll(): Readonly<Record<string, DeviceSettings>> {
  const stored = recall(KEY);
  if (typeof stored !== 'object' || stored === null) return {};
  return Object.fromEntries(
    Object.entries(stored).filter((entry): entry is [string, DeviceSettings] =>
      isSettings(entry[1]),
    ),
  );
}

/** Other tabs may be of another version, and people edit their storage. */
function isSettings(value: unknown): value is DeviceSettings {
  if (typeof value !== 'object' || value === null || !('nudgeMs' in value)) return false;
  const { nudgeMs } = value;
  if (typeof nudgeMs !== 'number' || !Number.isFinite(nudgeMs)) return false;
  return !('latencyMs' in value) || typeof value.latencyMs === 'number';
}
