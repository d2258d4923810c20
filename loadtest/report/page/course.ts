// Owns the form in which the course of a run reaches a page: plots, what each can show, and the phases behind them. Knows no report.
export type Colour = 'one' | 'two' | 'three' | 'quiet';

export interface Line {
  readonly name: string;
  readonly colour: Colour;
  /** A value for each of the plot's times; null where nothing was measured. */
  readonly values: readonly (number | null)[];
  /** Drawn as points alone: what is rare would be lost in a line. */
  readonly isDotted?: boolean;
}

/** What one plot shows at a time. */
export interface Choice {
  readonly name: string;
  readonly note: string;
  readonly unit: string;
  readonly lines: readonly Line[];
}

export interface Plot {
  readonly id: string;
  readonly title: string;
  /** s, since the beginning of the run. */
  readonly times: readonly number[];
  readonly choices: readonly Choice[];
  /** The one that is shown first. */
  readonly chosen: number;
  readonly hasLogarithm?: boolean;
}

export const MIB = 1_024 ** 2;

export interface Band {
  readonly from: number;
  readonly to: number;
  readonly name: string;
  readonly isMeasured: boolean;
}

export interface Course {
  readonly endSeconds: number;
  readonly bands: readonly Band[];
  readonly stalls: readonly { readonly from: number; readonly to: number }[];
  readonly parts: readonly CoursePart[];
}

export interface CoursePart {
  readonly title: string;
  readonly plots: readonly Plot[];
}

export function one(
  id: string,
  title: string,
  times: readonly number[],
  unit: string,
  lines: readonly Line[],
): Plot {
  const choices = lines.length === 0 ? [] : [choice('', unit, lines)];
  return { id, title, times, choices, chosen: 0 };
}

export function choice(name: string, unit: string, lines: readonly Line[]): Choice {
  return { name, note: '', unit, lines };
}

export function line<Each>(
  name: string,
  colour: Colour,
  seconds: readonly Each[],
  of: (second: Each) => number | undefined,
): Line {
  return {
    ...{ name, colour },
    values: seconds.map((second) => {
      const value = of(second);
      return value === undefined ? null : short(value);
    }),
  };
}

export function timesOf(seconds: readonly { readonly atSeconds: number }[]): number[] {
  return seconds.map(({ atSeconds }) => short(atSeconds));
}

/** Half an hour has many values: more digits than a plot shows would only fill the page. */
export function short(value: number): number {
  return Number(value.toPrecision(5));
}
