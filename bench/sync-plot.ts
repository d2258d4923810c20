// Draws what `npm run bench:sync` heard, a panel for each page, into docs/sync; measures nothing.
import { mkdir, writeFile } from 'node:fs/promises';
import type { PlayerName } from '../test/support/sync-lab/lab-wire.ts';
import { axes, colours, legend, line, svg, text, worstOf, type Axes, type Scale } from './svg.ts';
import type { MemberResult } from './sync-member.ts';

const FOLDER = 'docs/sync';
const COLUMNS = 2;
const ROW = 150;
/** A line of all clicks would be a smear. */
const WORST_OF_SECONDS = 5;
const SHOWN: Readonly<Record<PlayerName, { readonly name: string; readonly colour: string }>> = {
  earshot: { name: 'Earshot', colour: colours[0] },
  timesync: { name: 'a player by timesync', colour: colours[1] },
  ircam: { name: 'a player by @ircam/sync', colour: colours[2] },
};

/** @returns the file that was written */
export async function plotHeard(members: readonly MemberResult[]): Promise<string> {
  const y: Scale = { kind: 'log', from: 0.03, to: 1_000, ticks: [0.1, 1, 10, 100, 1_000] };
  const panels = members.map((member, index) => {
    const { minutes } = member;
    const ticks = [0, 0.5, 1].map((part) => part * minutes);
    const x: Scale = { kind: 'linear', from: 0, to: minutes, ticks };
    const left = 70 + (index % COLUMNS) * 380;
    const top = 84 + Math.floor(index / COLUMNS) * ROW;
    const panel: Axes = {
      box: { left, top, width: 310, height: 100 },
      ...{ x, y },
      ...(index >= members.length - COLUMNS ? { xLabel: 'minutes since the start' } : {}),
      ...(index % COLUMNS === 0 ? { yLabel: 'error, ms' } : {}),
    };
    // Ours is drawn last, over the others.
    const lines = [...member.players].reverse().map(({ player, series }) => {
      const errors = series.map(([sec, errorMs]) => [sec, errorMs - member.asymmetryMs] as const);
      const points = worstOf(errors, WORST_OF_SECONDS).map(([sec, ms]) => [sec / 60, ms] as const);
      return line(points, panel, SHOWN[player].colour, player === 'earshot' ? 2 : 1.2);
    });
    return [axes(panel), ...lines, text(left + 6, top - 6, titleOf(member))].join('\n');
  });
  const height = 84 + Math.ceil(members.length / COLUMNS) * ROW + 20;
  const file = `${FOLDER}/heard.svg`;
  await mkdir(FOLDER, { recursive: true });
  const title = 'What leaves the loudspeakers: the largest error of each 5 s, beyond the asymmetry';
  const drawn = svg(title, 800, height, [legend(Object.values(SHOWN), 70, 46, 700), ...panels]);
  await writeFile(file, drawn);
  return file;
}

function titleOf({ name, link, output, all }: MemberResult): string {
  if (output === 'element') return `${link}, media element`;
  return all ? `${link}, media through it as well` : name;
}
