// Owns a comparison as the terminal shows it: what decides, as all of it would fill the screen. Judges nothing.
import type { Change, Comparison } from './compare.ts';
import { told, toldOr } from './numbers.ts';

export function comparisonText(comparison: Comparison): string {
  const { scenario, tolerance, cautions, latencies, figures, judgement } = comparison;
  const decisive = latencies.filter(({ isDecisive }) => isDecisive);
  const rows = decisive.flatMap(({ name, p50, p99 }) => [
    [`${name} p50`, ...cellsOf(p50)],
    [`${name} p99`, ...cellsOf(p99)],
  ]);
  return [
    `${scenario}: ${judgement.toUpperCase()}, differences up to ${told(tolerance * 100)} % are none`,
    ...cautions.map((caution) => `  mind: ${caution}`),
    '',
    ...aligned([['ms', 'before', 'after', 'ratio', ''], ...rows]),
    '',
    ...aligned([
      ['', 'before', 'after', 'ratio', ''],
      ...figures.map(({ name, ...change }) => [name, ...cellsOf(change)]),
    ]),
  ].join('\n');
}

/** How many times the earlier figure the later one is. */
export function toldRatio({ before, after, ratio }: Change): string {
  if (ratio !== null) return `× ${ratio.toFixed(2)}`;
  return before === 0 && after === 0 ? '' : '–';
}

function cellsOf(change: Change): string[] {
  const { before, after, judgement } = change;
  return [toldOr(before), toldOr(after), toldRatio(change), judgement === 'same' ? '' : judgement];
}

/** Names to the left, figures to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, at) => {
        const width = widths[at] ?? 0;
        return at === 0 || at === row.length - 1 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
