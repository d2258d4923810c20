// Owns how the page draws its plots: the lines by uPlot, the phases behind them, what is under the pointer. Runs in a browser alone.
import type uPlot from 'uplot';
import type { Choice, Course, Line, Plot } from './course.ts';

export interface Drawing {
  readonly uPlot: typeof uPlot;
  readonly told: (value: number) => string;
  readonly course: Course;
}

/**
 * The page gets this function as its own text, where nothing of this module exists: all that it uses is passed in, or in it.
 * What comes of a report is put into the page as text, never as markup.
 */
export function drawPlots({ uPlot: Chart, told, course }: Drawing): void {
  const { endSeconds, bands, stalls } = course;
  const isLong = endSeconds >= 180;
  const font = '11px system-ui, sans-serif';

  const colour = (name: string): string =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  const clock = (seconds: number): string => {
    if (!isLong) return `${told(seconds)} s`;
    const whole = Math.round(seconds);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
  };

  const element = (tag: string, className: string, text = ''): HTMLElement => {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  };

  /** Phases that are judged are tinted, and each begins with its name where there is room for it. */
  const paintPhases = (chart: uPlot): void => {
    const { ctx, bbox } = chart;
    const x = (seconds: number): number => chart.valToPos(seconds, 'x', true);
    const grain = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${11 * grain}px system-ui, sans-serif`;
    ctx.textBaseline = 'top';
    for (const { from, to, name, isMeasured } of bands) {
      const left = Math.round(x(from));
      const width = Math.round(x(to)) - left;
      if (isMeasured) {
        ctx.fillStyle = colour('band');
        ctx.fillRect(left, bbox.top, width, bbox.height);
      }
      ctx.fillStyle = colour('line-strong');
      if (from > 0 && name !== '') ctx.fillRect(left, bbox.top, grain, bbox.height);
      ctx.fillStyle = colour('ink-soft');
      if (ctx.measureText(name).width + 12 * grain < width) {
        ctx.fillText(name, left + 6 * grain, bbox.top + 4 * grain);
      }
    }
    ctx.fillStyle = colour('stall');
    for (const { from, to } of stalls) {
      ctx.fillRect(x(from), bbox.top, Math.max(2 * grain, x(to) - x(from)), bbox.height);
    }
    ctx.restore();
  };

  const mostOf = ({ values }: Line): number | undefined => {
    const measured = values.filter((value) => value !== null);
    return measured.length === 0
      ? undefined
      : measured.reduce((most, value) => Math.max(most, value));
  };

  const toldOr = (value: number | null | undefined): string =>
    value === null || value === undefined ? '–' : told(value);

  /** What a plot says, for whoever does not see it. */
  const spokenOf = ({ title }: Plot, { name, unit, lines }: Choice): string => {
    const most = lines.map((line) => `${line.name} at most ${toldOr(mostOf(line))} ${unit}`);
    return `${title}${name === '' ? '' : `, ${name}`}, over time: ${most.join(', ')}.`;
  };

  const seriesOf = (line: Line): uPlot.Series => {
    const stroke = colour(`plot-${line.colour}`);
    return {
      ...{ label: line.name, stroke, width: 1.5, spanGaps: false },
      ...(line.isDotted === true
        ? { paths: () => null, points: { show: true, size: 4, fill: stroke, width: 0 } }
        : { points: { size: 4, fill: stroke, width: 0 } }),
    };
  };

  /** From the beginning of the run to its end, so that all plots show the same time. */
  const dataOf = (plot: Plot, lines: readonly Line[], isLogarithm: boolean): uPlot.AlignedData => {
    const least = 0.001;
    const shown = (value: number | null): number | null =>
      value === null || !isLogarithm ? value : Math.max(least, value);
    return [
      [0, ...plot.times, endSeconds],
      ...lines.map(({ values }) => [null, ...values.map(shown), null]),
    ];
  };

  const optionsOf = (choice: Choice, isLogarithm: boolean): Omit<uPlot.Options, 'width'> => {
    const grid = { stroke: colour('line'), width: 1 };
    const axis: uPlot.Axis = { font, stroke: colour('ink-soft'), grid, ticks: { show: false } };
    return {
      height: 180,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { y: false, sync: { key: 'run' }, points: { size: 8 } },
      scales: {
        x: { time: false, range: (_chart, from, to) => [from, to] },
        // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- an enum of types alone: nothing can be imported
        y: isLogarithm
          ? { distr: 3 }
          : { range: (_chart, _least, most) => [0, most > 0 ? most * 1.12 : 1] },
      },
      axes: [
        {
          ...axis,
          ...{ size: 26, space: 56 },
          incrs: [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400],
          values: (_chart, splits) => splits.map(clock),
        },
        {
          ...axis,
          ...{ size: 48, space: 32 },
          values: (_chart, splits) =>
            splits.map((value: number | null) =>
              value === null ? '' : value.toLocaleString('en', { maximumFractionDigits: 3 }),
            ),
        },
      ],
      series: [{}, ...choice.lines.map(seriesOf)],
    };
  };

  /** Beside each line's name what it is under the pointer; where there is none, the most that it was. */
  const readingOf = ({ lines, unit }: Choice, list: Element) => {
    const values = lines.map(() => element('b', 'reading'));
    const entries = lines.map((line, at) => {
      const entry = element('li', '');
      entry.append(element('i', `swatch ${line.colour}`), `${line.name} `, values[at] ?? '');
      return entry;
    });
    const when = element('li', 'when');
    list.replaceChildren(...entries, when);
    return (seconds: number | undefined, at: number | undefined): void => {
      const phase = bands.find(({ from, to }) => from < (seconds ?? -1) && (seconds ?? -1) <= to);
      const time = seconds === undefined ? 'at most' : `at ${clock(Math.round(seconds))}`;
      when.textContent = [unit, time, phase?.name].filter(Boolean).join(', ');
      lines.forEach((line, index) => {
        const reading = values[index];
        if (reading === undefined) return;
        reading.textContent = toldOr(at === undefined ? mostOf(line) : line.values[at]);
      });
    };
  };

  const show = (plot: Plot): void => {
    const figure = document.getElementById(`plot-${plot.id}`);
    const place = figure?.querySelector<HTMLElement>('.drawing');
    const list = figure?.querySelector('.legend');
    const note = figure?.querySelector('.note');
    if (!figure || !place || !list) return;
    const select = figure.querySelector('select');
    const logarithm = figure.querySelector('input');
    let chart: uPlot | undefined;

    const draw = (): void => {
      const choice = plot.choices[select?.selectedIndex ?? 0];
      if (choice === undefined) return;
      const isLogarithm = logarithm?.checked === true;
      const read = readingOf(choice, list);
      read(undefined, undefined);
      if (note) note.textContent = choice.note;
      place.setAttribute('aria-label', spokenOf(plot, choice));
      chart?.destroy();
      const tell = ({ cursor, data }: uPlot): void => {
        const at = cursor.idx ?? undefined;
        const isWithin = at !== undefined && at > 0 && at <= plot.times.length;
        read(isWithin ? data[0][at] : undefined, isWithin ? at - 1 : undefined);
      };
      chart = new Chart(
        {
          ...optionsOf(choice, isLogarithm),
          ...{ width: place.clientWidth, height: place.clientHeight },
          hooks: { drawClear: [paintPhases], setCursor: [tell] },
        },
        dataOf(plot, choice.lines, isLogarithm),
        place,
      );
    };

    draw();
    select?.addEventListener('change', draw);
    logarithm?.addEventListener('change', draw);
    // The colours are in the drawing: another scheme wants another one.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
    new ResizeObserver(() => {
      chart?.setSize({ width: place.clientWidth, height: place.clientHeight });
    }).observe(place);
  };

  for (const { plots } of course.parts) plots.forEach(show);
}
