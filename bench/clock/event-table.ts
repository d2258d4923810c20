// Owns the table of events: one row an event with each link's worst recovery, and what a player did that was not called for.

import type { EventReport } from '../../test/clock/support/event-report.ts';
import { type EventName, eventNames, simEvents } from '../../test/clock/support/sim-events.ts';
import { boundHeldTarget, probeTargets } from './links.ts';

/** A correction a minute more would be one too many; a move beyond this would be heard. */
const needlessMoveMostMs = 5;
const correctionsAMinuteMost = 2;

export function eventTable(reports: readonly EventReport[]): string {
  const links = [...new Set(reports.map(({ link }) => link))];
  const rows = [
    [
      'event',
      'limit',
      ...links.map((link) => `${link}: median, worst`),
      'runs within the limit',
      'needless steps',
      'corrections needed, a run',
      'needless, an hour',
      'largest needless move, ms',
    ],
    Array.from({ length: links.length + 7 }, () => '---'),
    ...eventNames.flatMap((event) =>
      rowOf(
        event,
        reports.filter((each) => each.event === event),
      ),
    ),
  ];
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function rowOf(event: EventName, reports: readonly EventReport[]): string[][] {
  if (reports.length === 0) return [];
  const { title, limit } = simEvents[event];
  const sum = (of: (report: EventReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  return [
    [
      title,
      `${limit.value} ${limit.unit}`,
      ...reports.map(({ p50, max }) => `${short(p50)}, ${short(max)}`),
      `${sum(({ met }) => met)} of ${sum(({ runs }) => runs)}`,
      String(sum(({ needlessSteps }) => needlessSteps)),
      short(sum(({ neededPerRun }) => neededPerRun) / reports.length),
      short(sum(({ needlessPerHour }) => needlessPerHour) / reports.length),
      short(Math.max(...reports.map(({ largestNeedlessMoveMs }) => largestNeedlessMoveMs))),
    ],
  ];
}

/** One line for each event and link that did not go as it should; the seeds, to look at them again. */
export function missedEvents(reports: readonly EventReport[]): string[] {
  return reports.flatMap((report) => {
    const { event, link } = report;
    const of = `${link}, ${simEvents[event].title}`;
    const missed: string[] = [];
    if (report.met < report.runs) {
      missed.push(
        `${of}: ${report.met} of ${report.runs} met; seeds ${report.failedSeeds.join(' ')}`,
      );
    }
    if (report.boundHeld < boundHeldTarget) missed.push(`${of}: bound held ${report.boundHeld}`);
    if (report.backward > 0) missed.push(`${of}: ${report.backward} times backward`);
    if (report.needlessSteps > 0) missed.push(`${of}: ${report.needlessSteps} needless steps`);
    if (report.largestNeedlessMoveMs > needlessMoveMostMs) {
      missed.push(`${of}: a needless move of ${report.largestNeedlessMoveMs.toFixed(1)} ms`);
    }
    if (report.correctionsInBusiestMinute > correctionsAMinuteMost) {
      missed.push(`${of}: ${report.correctionsInBusiestMinute} corrections in one minute`);
    }
    if (report.mostProbesHidden > probeTargets.hiddenMinute) {
      missed.push(`${of}: ${report.mostProbesHidden} probes in a hidden minute`);
    }
    return missed;
  });
}

function short(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) < 0.095 ? value.toFixed(2) : value.toFixed(1);
}
