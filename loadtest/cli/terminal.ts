// Owns what the terminal shows of a run: one line that moves while it lasts, and the tables at its end. Knows no sockets.
import type { Second } from '../phases.ts';
import type { LatencyReport, Limit, Report } from '../report/report.ts';
import type { Phase } from '../scenario/scenario.ts';
import { isGeneratorsLimit } from '../verdict.ts';

/** In this order, and only those that were measured. */
const SHOWN = [
  ...['connect', 'join', 'resume', 'command.ack', 'command.each', 'command.last'],
  ...['chat.ack', 'chat.each', 'chat.last', 'feed.ack', 'feed.visible', 'probe'],
  ...['inStep.error', 'inStep.spread', 'generator.late'],
];

/** Writes lines; on a terminal the last one is written over while a run goes on. */
export class Terminal {
  readonly #out: NodeJS.WriteStream;
  #hasLive = false;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  say(line: string): void {
    this.#clear();
    this.#out.write(`${line}\n`);
  }

  second(second: Second, phase: Phase | undefined): void {
    const line = liveLine(second, phase);
    if (!this.#out.isTTY) {
      // Where nothing can be written over, every tenth says enough.
      if (Math.round(second.atSeconds) % 10 === 0) this.say(line);
      return;
    }
    this.#out.write(`\r\x1b[2K${line.slice(0, Math.max(20, this.#out.columns - 1))}`);
    this.#hasLive = true;
  }

  #clear(): void {
    if (this.#hasLive) this.#out.write('\r\x1b[2K');
    this.#hasLive = false;
  }
}

function liveLine(second: Second, phase: Phase | undefined): string {
  const { atSeconds, wanted, joined, framesPerSecond, requestsPerSecond, faults, busyShare } =
    second;
  const last = second.latencies['command.last'] ?? second.latencies['command.ack'];
  const command = last === undefined ? '' : `  last listener p99 ${told(last[1])} ms`;
  return (
    `${atSeconds.toFixed(0).padStart(4)} s  ${(phase?.name ?? '').padEnd(10)} ${joined} of ${wanted} there  ` +
    `${Math.round(framesPerSecond)} frames/s  ${Math.round(requestsPerSecond)} requests/s${command}  ` +
    `faults ${faults}  generator ${Math.round(busyShare * 100)} % busy`
  );
}

/** The whole report as text. */
export function textOf(report: Report): string {
  const lines: string[] = [];
  const { scenario, verdict, reasons, faults, counts, inStep, limit, generator } = report;
  lines.push(`${scenario.name}: ${verdict.toUpperCase()}`);
  for (const reason of reasons) lines.push(`  ${reason}`);
  if (limit !== null) lines.push('', ...limitLines(limit));
  lines.push('', ...latencyLines(report.latencies));
  lines.push(
    '',
    `in step: ${inStep.samples} positions compared, ${inStep.elsewhere} at another place, ${inStep.unready} not ready; the truth known to ${told(inStep.truthWidthMs / 2)} ms`,
    `generator: ${generator.threads} threads, ${Math.round(generator.busyShareMost * 100)} % busy at most, read up to ${told(generator.loopDelayP99MsMost)} ms late`,
    `frames ${counts.framesReceived}, requests ${counts.requests}, stale ${counts.stale}, unsent ${counts.unsent}, unanswered ${counts.unanswered}, lost ${counts.lost}`,
  );
  for (const [what, n] of Object.entries(counts.refused))
    lines.push(`refused: ${what}, ${n} times`);
  for (const [what, n] of Object.entries(counts.ended)) lines.push(`ended: ${what}, ${n} times`);
  for (const { hub, atSeconds, lastedMs } of report.stalls) {
    lines.push(
      `STALL: ${hub} answered nobody for ${told(lastedMs / 1_000)} s, from ${told(atSeconds)} s on`,
    );
  }
  if (faults.length === 0) lines.push('faults: none; every number was accounted for');
  for (const { kind, stream, count, meaning, examples } of faults) {
    lines.push(`FAULT: ${stream} ${kind}, ${count} times (${meaning})`);
    for (const example of examples) lines.push(`  ${example}`);
  }
  if (report.thresholds.length > 0) lines.push('');
  for (const { text, value, kept } of report.thresholds) {
    const was = value === null ? 'not measured' : `was ${told(value)}`;
    lines.push(`${kept ? 'kept  ' : 'BROKEN'}  ${text}  (${was})`);
  }
  return lines.join('\n');
}

function limitLines(limit: Limit): string[] {
  const { load, brokeAt, gaveWay, trials } = limit;
  if (trials.length === 0) return ['no trial of a load came to its end'];
  const people = trials.find((trial) => trial.load === load)?.people ?? 0;
  const found = load === 0 ? 'no load held' : `it holds load ${told(load)}, ${people} people`;
  if (brokeAt === null) return [`${found}; nothing gave way: raise --most-load`];
  const what = gaveWay.map((each) => `  ${each}`);
  if (!isGeneratorsLimit(limit)) return [`${found}; at ${told(brokeAt)} this gave way:`, ...what];
  const least = load === 0 ? found : `it holds at least load ${told(load)}, ${people} people`;
  return [
    `${least}; at ${told(brokeAt)} the generator gave way, so the hub may hold more:`,
    ...what,
  ];
}

function latencyLines(latencies: Report['latencies']): string[] {
  const names = SHOWN.filter((name) => latencies[name] !== undefined);
  const head = ['ms', 'count', 'p50', 'p90', 'p99', 'p99.9', 'max'];
  const rows = names.map((name) => [name, ...cellsOf(latencies[name])]);
  const width = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)),
  );
  return [head, ...rows].map((row) =>
    row
      .map((cell, at) =>
        at === 0 ? cell.padEnd(width[at] ?? 0) : cell.padStart((width[at] ?? 0) + 2),
      )
      .join(''),
  );
}

function cellsOf(summary: LatencyReport | undefined): string[] {
  if (summary === undefined) return [];
  const { count, p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = summary;
  return [
    `${count}`,
    ...[p50Ms, p90Ms, p99Ms, p999Ms, maxMs].map((ms) => (ms === null ? '' : told(ms))),
  ];
}

function told(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
