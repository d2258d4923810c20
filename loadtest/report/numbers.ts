// Owns how figures are written for people: as many digits as they are worth, and the thousands apart.

/**
 * Three digits or more, as histograms hold them. Runs in a page as well, where nothing of this module exists: it must refer to nothing
 * outside itself.
 */
export function told(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95 || Number.isInteger(value)) {
    return Math.round(value).toLocaleString('en', { maximumFractionDigits: 0 });
  }
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

export function toldOr(value: number | null | undefined, otherwise = '–'): string {
  return value === null || value === undefined || Number.isNaN(value) ? otherwise : told(value);
}

export function toldWhole(value: number): string {
  return told(Math.round(value));
}

export function toldShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function toldBytes(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10);
  const at = Math.min(UNITS.length - 1, step);
  return `${told(bytes / 1_024 ** at)} ${UNITS[at] ?? ''}`;
}

export function toldSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  const rest = whole % 60;
  return rest === 0 ? `${(whole - rest) / 60} min` : `${(whole - rest) / 60} min ${rest} s`;
}

/** `1 time`, `2 times`. */
export function times(count: number, one: string, many = `${one}s`): string {
  return `${toldWhole(count)} ${count === 1 ? one : many}`;
}

/** @param at ISO 8601; what is none stands as it is */
export function toldMoment(at: string): string {
  return at.replace('T', ' ').replace(/(?:\.\d+)?Z$/, ' UTC');
}
