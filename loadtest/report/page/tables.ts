// Owns the form of the tables: figures that stand below each other by their decimal point, and a table that is too wide moves in itself.
import { told } from '../numbers.ts';
import { markup, type Markup, type Part } from './markup.ts';

export interface Column {
  readonly head: string;
  /** `name`: never broken; `wide`: stays in sight of the figures that move below it. */
  readonly kind: 'name' | 'text' | 'wide' | 'prose' | 'number';
}

/** The first cell of each row names it. */
export function table(
  label: string,
  columns: readonly Column[],
  rows: readonly (readonly Part[])[],
  isNarrow = false,
): Markup {
  const cell = (part: Part, at: number): Markup => {
    const kind = columns[at]?.kind ?? 'name';
    return at === 0
      ? markup`<th scope="row" class="${kind}">${part}</th>`
      : markup`<td class="${kind}">${part}</td>`;
  };
  return markup`<div class="scroll${isNarrow ? ' narrow' : ''}" role="group" tabindex="0" aria-label="${label}"><table>
<thead><tr>${columns.map(({ head, kind }) => markup`<th scope="col" class="${kind}">${head}</th>`)}</tr></thead>
<tbody>${rows.map((parts) => markup`<tr>${parts.map(cell)}</tr>\n`)}</tbody>
</table></div>`;
}

/** With room for two decimals, whether there are any. */
export function aligned(value: number | null | undefined): Markup {
  if (value === null || value === undefined) return markup`–<i class="pad">.00</i>`;
  const text = told(value);
  const decimals = text.includes('.') ? text.length - text.indexOf('.') - 1 : -1;
  return decimals === 2
    ? markup`${text}`
    : markup`${text}<i class="pad">${'.00'.slice(decimals + 1)}</i>`;
}

export function facts(entries: readonly (readonly [name: string, value: Part])[]): Markup {
  return markup`<dl class="facts">${entries.map(
    ([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>\n`,
  )}</dl>`;
}

export type Tone = 'good' | 'bad' | 'doubtful' | 'neutral';

export function mark(tone: Tone, text: string): Markup {
  return markup`<span class="mark ${tone}">${text}</span>`;
}
