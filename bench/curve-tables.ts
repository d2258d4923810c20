// The curves as tables in Markdown: what was measured, in words, and every figure.
import { heading, row } from './append-child.ts';
import { figuresAt, placesOf, type Curves, type FiguresOf } from './curve.ts';
import { NAMES } from './curve-subjects.ts';
import type { DeliveryCurves, LastHeard, Storm, Weight } from './curve-parts.ts';
import type { Delivery } from './delivery.ts';

export const SI = (value: number): string => value.toLocaleString('en-US');

/** Of the two ways to send by raw uWebSockets.js, the one that was cheaper there. */
export function rawAt(curves: DeliveryCurves, x: number): Delivery | undefined {
  const [a, b] = [figuresAt(curves, NAMES.publish, x), figuresAt(curves, NAMES.sends, x)];
  if (a === undefined || b === undefined) return a ?? b;
  return a.totalUs <= b.totalUs ? a : b;
}

const us = (value: number): string => value.toFixed(2);
const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

/** A line for each subject, a column for each place. */
function overview<T extends FiguresOf<T>>(
  curves: Curves<T>,
  xName: string,
  cell: (figures: T) => string,
): string[] {
  const places = placesOf(curves);
  return [
    heading([xName, ...places.map(SI)]),
    ...curves.series.map(({ subject }) =>
      row([
        subject,
        ...places.map((x) => {
          const figures = figuresAt(curves, subject, x);
          return figures === undefined ? '–' : cell(figures);
        }),
      ]),
    ),
  ];
}

/** All figures of one place. */
function deliveriesAt(curves: DeliveryCurves, x: number): string[] {
  const raw = rawAt(curves, x);
  const hasBeside = curves.series.some(
    (each) => (figuresAt(curves, each.subject, x)?.besideUs ?? 0) > 0,
  );
  return [
    heading([
      ...['server', 'user', 'system', 'total', ...(raw === undefined ? [] : ['of raw'])],
      ...['messages a frame', 'µs a frame', 'bytes a message', 'µs to publish to nobody'],
      ...['µs in all a delivery', ...(hasBeside ? ['Redis, µs'] : []), 'deliveries a second'],
      ...['arrived', 'disorder', 'server, of a core', 'clients, of a core'],
    ]),
    ...curves.series.flatMap(({ subject }) => {
      const of = figuresAt(curves, subject, x);
      if (of === undefined) return [];
      return row([
        ...[subject, us(of.userUs), us(of.systemUs), us(of.totalUs)],
        ...(raw === undefined ? [] : [us(of.totalUs / raw.totalUs)]),
        ...[of.eventsPerFrame.toFixed(1), us(of.frameUs), of.bytesPerEvent.toFixed(0)],
        ...[of.publishUs.toFixed(0), us(of.wholeUs)],
        ...(hasBeside ? [us(of.besideUs)] : []),
        ...[SI(Math.round(of.eventsPerSecond)), percent(of.arrived), of.disorder],
        ...[us(of.serverShare), us(of.clientShare)],
      ]);
    }),
  ];
}

export function deliveryTables(
  curves: DeliveryCurves,
  xName: string,
  placeName: (x: number) => string,
  cost: (figures: Delivery) => number = ({ totalUs }) => totalUs,
): string[] {
  const places = placesOf(curves);
  return [
    ...(places.length > 1 ? [...overview(curves, xName, (figures) => us(cost(figures))), ''] : []),
    ...places.flatMap((x) => [`${placeName(x)}:`, '', ...deliveriesAt(curves, x), '']),
  ];
}

const MB = 1_024 * 1_024;

export function memoryTables(curves: Curves<Weight>, unweighed: number): string[] {
  const most = placesOf(curves).at(-1) ?? 0;
  return [
    ...overview(curves, 'MB, by connections', ({ rssBytes }) => (rssBytes / MB).toFixed(1)),
    '',
    heading(['server', `KB a connection, from ${SI(unweighed)} to ${SI(most)}`]),
    ...curves.series.map(({ subject }) =>
      row([subject, kilobytesEach(curves, subject, unweighed).toFixed(1)]),
    ),
  ];
}

/** That each further idle member adds. */
export function kilobytesEach(curves: Curves<Weight>, subject: string, unweighed: number): number {
  const most = placesOf(curves).at(-1) ?? 0;
  const [from, to] = [figuresAt(curves, subject, unweighed), figuresAt(curves, subject, most)];
  return ((to?.rssBytes ?? NaN) - (from?.rssBytes ?? NaN)) / (most - unweighed) / 1_024;
}

/** Of the two ways to send by raw uWebSockets.js, the p99 of the one that was faster; NaN where neither was measured. */
export function rawLastMs(curves: Curves<LastHeard>, perSecond: number): number {
  const both = [NAMES.publish, NAMES.sends].flatMap(
    (name) => figuresAt(curves, name, perSecond)?.p99Ms ?? [],
  );
  return both.length === 0 ? NaN : Math.min(...both);
}

export function lastTables(curves: Curves<LastHeard>): string[] {
  return placesOf(curves).flatMap((perSecond) => {
    const raw = rawLastMs(curves, perSecond);
    return [
      `${SI(perSecond)} messages a second:`,
      '',
      heading([
        ...['server', 'p50, ms', 'p99, ms', 'p99, of raw', 'max, ms'],
        ...['server, of a core', 'clients, of a core'],
      ]),
      ...curves.series.flatMap(({ subject }) => {
        const of = figuresAt(curves, subject, perSecond);
        if (of === undefined) return [];
        return row([
          ...[subject, of.p50Ms.toFixed(1), of.p99Ms.toFixed(1), us(of.p99Ms / raw)],
          ...[of.maxMs.toFixed(1), us(of.serverShare), us(of.clientShare)],
        ]);
      }),
      '',
    ];
  });
}

export function stormTables(curves: Curves<Storm>, people: number): string[] {
  return placesOf(curves).flatMap((rooms) => [
    rooms === 1 ? `${SI(people)} into one room:` : `${SI(people)} into ${SI(rooms)} rooms:`,
    '',
    heading([
      ...['server', 'all are in after, s', 'p50, ms', 'p99, ms', 'µs of CPU each, user', 'system'],
      ...['total', 'bytes of the answer', 'clients, of a core'],
    ]),
    ...curves.series.flatMap(({ subject }) => {
      const of = figuresAt(curves, subject, rooms);
      if (of === undefined) return [];
      return row([
        ...[subject, us(of.allInS), of.p50Ms.toFixed(0), of.p99Ms.toFixed(0)],
        ...[of.userUs.toFixed(0), of.systemUs.toFixed(0), of.totalUs.toFixed(0)],
        ...[SI(of.answerBytes), us(of.clientShare)],
      ]);
    }),
    '',
  ]);
}
