// A process of a bench: told what to do and asked how it went, one order at a time. And what any figure is made of.
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a child answers where it could not do as it was told. */
export interface Failed {
  readonly kind: 'failed';
  readonly fault: string;
}

export class Child<Order extends object, Report extends { readonly kind: string }> {
  readonly #process: ChildProcess;
  #lastOrder: Promise<unknown> = Promise.resolve();

  constructor(process: ChildProcess) {
    this.#process = process;
  }

  /** @param file beside this one, built */
  static fork<Order extends object, Report extends { readonly kind: string }>(
    file: string,
    execArgv: readonly string[] = [],
  ): Child<Order, Report> {
    return new Child(
      fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv: [...execArgv] }),
    );
  }

  /**
   * Orders are sent one at a time, because a report does not say which order it answers. Rejects where the process has ended, or could not do it.
   */
  ask<K extends Report['kind']>(order: Order, kind: K): Promise<Extract<Report, { kind: K }>> {
    const asked = this.#lastOrder.then(() => this.#ask(order, kind));
    this.#lastOrder = asked.catch(() => undefined);
    return asked;
  }

  #ask<K extends Report['kind']>(order: Order, kind: K): Promise<Extract<Report, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const { exitCode, signalCode } = this.#process;
      const over = (): void => {
        this.#process.off('exit', ended);
        this.#process.off('message', answered);
      };
      const failed = (error: Error): void => {
        over();
        reject(error);
      };
      const ended = (code: number | null, signal: string | null): void =>
        failed(new Error(`a process of the bench ended with ${code ?? signal ?? 'nothing'}`));
      const answered = (report: Report | Failed): void => {
        over();
        if (report.kind === kind) resolve(report as Extract<Report, { kind: K }>);
        else reject(new Error('fault' in report ? report.fault : `expected ${kind}`));
      };
      this.#process.on('exit', ended);
      this.#process.on('message', answered);
      if (exitCode !== null || signalCode !== null) ended(exitCode, signalCode);
      // Its channel may be closed a moment before it is known to have ended.
      else this.#process.send(order, (error) => error !== null && failed(error));
    });
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill();
    await exited;
  }
}

/** Answers each order with what `obey` makes of it, which names the orders' type. Ends with the bench. */
export function obeyOrders(obey: (order: never) => Promise<{ readonly kind: string }>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (order: unknown) => {
    obey(order as never).then(
      (report) => process.send?.(report),
      (error: unknown) => {
        const fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
        process.send?.({ kind: 'failed', fault } satisfies Failed);
      },
    );
  });
}

/** Of a list of times. */
export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Of an even number of values the middle of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const [below, above] = [sorted[Math.ceil(half) - 1] ?? NaN, sorted[Math.floor(half)] ?? NaN];
  return (below + above) / 2;
}

/** `--quick`: short rounds, to see that a bench works. */
export const isQuick = process.argv.includes('--quick');

function given(name: string): string | undefined {
  const { argv } = process;
  const at = argv.indexOf(`--${name}`);
  if (at >= 0) return argv[at + 1];
  return argv.find((argument) => argument.startsWith(`--${name}=`))?.split('=')[1];
}

/**
 * A number given as `--name=…` or `--name …`.
 * @param quick what it is in a quick run, where it is another
 */
export function flag(name: string, fallback: number, quick = fallback): number {
  return Number(given(name) ?? (isQuick ? quick : fallback));
}

/** Names given as `--name=one,two` or `--name one,two`; undefined where they are not. */
export function listFlag(name: string): readonly string[] | undefined {
  return given(name)?.split(',');
}

/** All that this process has said so far, a line each. */
export const said: string[] = [];

export function say(line: string): void {
  said.push(line);
  aside(line);
}

/** Is printed, and is no part of the report. */
export function aside(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** At once: the Postgres of the benches, where it is imported, lets a process that ends by itself end with 0. */
export function endWith(code: 0 | 1): never {
  process.exit(code);
}

export function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** A table's first two lines. */
export function heading(cells: readonly string[]): string {
  return `${row(cells)}\n|${'---|'.repeat(cells.length)}`;
}
