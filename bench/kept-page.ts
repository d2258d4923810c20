// What docs/results.md already tells of benches that have left no report here: it stays, under its own date and machine. Text in, text out.

/** A heading with what stands below it, up to the next one of its level; the first has none. */
interface Section {
  readonly heading: string;
  readonly lines: readonly string[];
}

const LEVELS = ['## ', '### '] as const;
/** In a cell of its own: nothing is known of what the row tells. */
const UNTOLD = ['not run', 'not measured'];
export const MACHINES = '## Machines';

/**
 * The page as it is written now, with whatever only the page before it has: sections, rows of what was not run, and machines.
 * @param page all that the reports of this machine tell, as `resultPage` writes it
 * @param before the page that it takes the place of
 */
export function keepBefore(page: string, before: string): string {
  return `${kept(page.split('\n'), before.split('\n'), LEVELS).join('\n').trimEnd()}\n`;
}

function kept(
  now: readonly string[],
  before: readonly string[],
  [level, ...deeper]: readonly string[],
): readonly string[] {
  if (level === undefined) return withRows(now, before);
  const earlier = sectionsOf(before, level);
  const sections = sectionsOf(now, level).map(({ heading, lines }): Section => {
    const was = earlier.find((section) => section.heading === heading)?.lines;
    if (was === undefined) return { heading, lines };
    const merged = heading === MACHINES ? machinesOf(lines, was) : kept(lines, was, deeper);
    return { heading, lines: merged };
  });
  return inOrder(sections, earlier).flatMap(({ heading, lines }) =>
    heading === '' ? lines : [heading, ...lines],
  );
}

function sectionsOf(lines: readonly string[], level: string): Section[] {
  const sections: { heading: string; lines: string[] }[] = [{ heading: '', lines: [] }];
  for (const line of lines) {
    if (line.startsWith(level)) sections.push({ heading: line, lines: [] });
    else sections.at(-1)?.lines.push(line);
  }
  return sections;
}

/** What only the earlier has stands before what it stood before; the last of it stands last. */
function inOrder(now: readonly Section[], earlier: readonly Section[]): Section[] {
  const ofNow = new Set(now.map(({ heading }) => heading));
  const isGone = ({ heading }: Section): boolean => !ofNow.has(heading);
  const left = [...earlier];
  const sections: Section[] = [];
  for (const section of now) {
    const at = left.findIndex(({ heading }) => heading === section.heading);
    sections.push(...left.splice(0, at + 1).filter(isGone), section);
  }
  return [...sections, ...left.filter(isGone)];
}

function withRows(now: readonly string[], before: readonly string[]): readonly string[] {
  const rows = new Map(before.map((line) => [firstCell(line), line]));
  const isUntold = (line: string): boolean => cellsOf(line).some((cell) => UNTOLD.includes(cell));
  return now.map((line) => (isUntold(line) ? (rows.get(firstCell(line)) ?? line) : line));
}

/** `- bench, bench: machine`: a bench is told of the one on which it ran last. */
function machinesOf(now: readonly string[], before: readonly string[]): readonly string[] {
  const ran = new Set(now.flatMap((line) => parted(line)?.benches ?? []));
  const by = new Map<string, string[]>();
  for (const line of [...before, ...now]) {
    const machine = parted(line);
    if (machine === undefined) continue;
    const isNow = now.includes(line);
    const benches = machine.benches.filter((bench) => isNow || !ran.has(bench));
    by.set(machine.name, [...new Set([...(by.get(machine.name) ?? []), ...benches])]);
  }
  const lines = [...by].flatMap(([name, benches]) =>
    benches.length === 0 ? [] : [`- ${benches.join(', ')}: ${name}`],
  );
  return ['', ...lines, ''];
}

function parted(line: string): { benches: string[]; name: string } | undefined {
  const [, benches, name] = /^- ([^:]+): (.+)$/.exec(line) ?? [];
  return benches === undefined || name === undefined
    ? undefined
    : { benches: benches.split(', '), name };
}

const cellsOf = (line: string): string[] =>
  line.startsWith('|') ? line.split('|').map((cell) => cell.trim()) : [];
const firstCell = (line: string): string | undefined => cellsOf(line)[1];
