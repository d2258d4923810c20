// Owns the plots of what hubs tell of themselves: each figure by the unit that its name ends with, a total by how fast it grows.
import type { Report } from '../report.ts';
import { MIB, choice, short, type Choice } from './course.ts';
import { own } from './own.ts';

type HubSeconds = Report['hubSeconds'];

/** Figures that were zero throughout are left out. */
export function metricChoices(seconds: HubSeconds): Choice[] {
  return metricNames(seconds)
    .filter((name) => !isZero(seconds, name))
    .map((name) => {
      const { unit, scale, isTotal } = metricForm(name);
      const value = (at: number): number | undefined => metricOf(seconds[at], name);
      const values = seconds.map(({ atSeconds }, at) => {
        const now = value(at);
        if (now === undefined) return null;
        if (!isTotal) return short(now * scale);
        const before = value(at - 1);
        const elapsed = atSeconds - (seconds[at - 1]?.atSeconds ?? 0);
        // A total that shrank is that of a hub that began anew.
        return before === undefined || elapsed <= 0 || now < before
          ? null
          : short(((now - before) * scale) / elapsed);
      });
      return choice(name, unit, [{ name: 'value', colour: 'one', values }]);
    });
}

export function silentMetrics(seconds: HubSeconds): string[] {
  return metricNames(seconds).filter((name) => isZero(seconds, name));
}

function metricNames(seconds: HubSeconds): string[] {
  return [...new Set(seconds.flatMap(({ metrics }) => Object.keys(metrics)))].sort();
}

function metricOf(second: HubSeconds[number] | undefined, name: string): number | undefined {
  return second === undefined ? undefined : own(second.metrics, name);
}

function isZero(seconds: HubSeconds, name: string): boolean {
  return seconds.every((second) => (metricOf(second, name) ?? 0) === 0);
}

/** By the endings that Prometheus recommends for units. */
function metricForm(name: string): {
  readonly unit: string;
  readonly scale: number;
  readonly isTotal: boolean;
} {
  if (name.endsWith('_seconds_total')) return { unit: '% of the time', scale: 100, isTotal: true };
  if (name.endsWith('_total')) return { unit: 'a second', scale: 1, isTotal: true };
  if (name.endsWith('_seconds')) return { unit: 'ms', scale: 1_000, isTotal: false };
  if (name.endsWith('_bytes')) return { unit: 'MiB', scale: 1 / MIB, isTotal: false };
  return { unit: '', scale: 1, isTotal: false };
}
