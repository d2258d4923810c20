// `npm run bench:clock-thread`: what the client's clock is worth when its probes are sent and stamped in the page, and in a worker. Real Chromium, a
// real hub on this machine, whose monotonic clock is the truth for both; the two pages of a comparison run side by side.
import { chromium, type Browser } from 'playwright-core';
import { EarshotApi } from '../src/client/rest.ts';
import { EarshotProcess, temporaryDir } from '../test/support/earshot-process.ts';
import { hubTruth, type HubTruth } from '../test/support/hub-truth.ts';
import {
  PlainTabs,
  THROTTLING_SWITCHES,
  throttlesAfter,
  type PlainTab,
} from '../test/support/plain-tabs.ts';
import { startClockLab, type LabServer } from '../test/web/clock-lab/lab-server.ts';
import type { LabExchange, LabSample } from '../test/web/clock-lab/lab.ts';
import { flag, heading, row, say } from './append-child.ts';
import { writeReport } from './report.ts';

const THREADS = ['page', 'worker'] as const;
type Thread = (typeof THREADS)[number];

/** The quick bursts of a join are over. */
const SETTLE_MS = 6_000;
/** From here on a hidden page's timers run once a minute: the browser's five minutes, made short. */
const THROTTLED_AFTER_S = 10;
const SAMPLE_MS = 400;
const TASK_MS = 50;
const TASK_EVERY_MS = 125;
const STALL_MS = 2_000;
const STALL_EVERY_MS = 6_000;
/** What a page does that is just loading. */
const LOADING_MS = 200;
const LOADING_EVERY_MS = 250;
const REQUESTS = 40;
/** Of the durations, to try it out. */
const SCALE = flag('percent', 100, 10) / 100;

type Load = 'idle' | 'tasks' | 'stalls' | 'loading';

/** For how long the main thread does nothing else, and how often. */
const LOADS: Readonly<Record<Exclude<Load, 'idle'>, readonly [forMs: number, everyMs: number]>> = {
  tasks: [TASK_MS, TASK_EVERY_MS],
  stalls: [STALL_MS, STALL_EVERY_MS],
  loading: [LOADING_MS, LOADING_EVERY_MS],
};

interface Scenario {
  readonly name: string;
  readonly isHidden: boolean;
  readonly load: Load;
  readonly forMs: number;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'joins while 80 % busy, its first 5 s', isHidden: false, load: 'loading', forMs: 5_000 },
  { name: 'seen, idle', isHidden: false, load: 'idle', forMs: 20_000 },
  { name: 'seen, 50 ms tasks for 40 % of the time', isHidden: false, load: 'tasks', forMs: 25_000 },
  { name: 'seen, still for 2 s of every 6', isHidden: false, load: 'stalls', forMs: 24_000 },
  { name: 'hidden, idle', isHidden: true, load: 'idle', forMs: 65_000 },
  { name: 'hidden, 50 ms tasks for 40 %', isHidden: true, load: 'tasks', forMs: 65_000 },
];

interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

interface Figures {
  readonly connectMs: number;
  readonly requestMs: Spread | undefined;
  readonly probes: number;
  readonly perMinute: number;
  readonly rttMs: Spread;
  readonly boundMs: Spread;
  readonly errorMs: Spread;
  readonly samples: number;
  /** Samples whose error was larger than the proven bound, beyond what the truth itself is unsure of. */
  readonly unproven: number;
  readonly notGood: number;
}

interface Stage {
  readonly earshot: EarshotProcess;
  readonly lab: LabServer;
  readonly browser: Browser;
  readonly tabs: PlainTabs;
  readonly truth: HubTruth;
}

interface OpenPage {
  readonly thread: Thread;
  readonly tab: PlainTab;
  readonly connectMs: number;
  readonly originMs: number;
  /** Ends what keeps it busy since before it connected. */
  readonly rest: (() => Promise<unknown>) | undefined;
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return { p50: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? NaN };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function guest(earshot: EarshotProcess, name: string): Promise<string> {
  return (await new EarshotApi({ url: earshot.url }).createGuest(name)).token;
}

async function openPage(
  stage: Stage,
  thread: Thread,
  load: Load,
  inNewWindow: boolean,
): Promise<OpenPage> {
  const { earshot, lab, tabs } = stage;
  const tab = await tabs.open(lab.url, { inNewWindow });
  await tab.until(`'clockLab' in globalThis`);
  const parts = [earshot.url, await guest(earshot, thread), thread].map((part) =>
    JSON.stringify(part),
  );
  const originMs = await tab.originMs();
  const rest = load === 'loading' ? keepBusy(tab, load) : undefined;
  const connectMs = await tab.evaluate<number>(`clockLab.open(${parts.join()})`);
  return { thread, tab, connectMs, originMs, rest };
}

/** Keeps the main thread busy from outside, as the timers of a hidden page sleep. @returns the end of it */
function keepBusy(tab: PlainTab, load: Load): () => Promise<unknown> {
  if (load === 'idle') return () => Promise.resolve();
  const [forMs, everyMs] = LOADS[load];
  const over = new AbortController();
  const running = (async () => {
    while (!over.signal.aborted) {
      const from = performance.now();
      await tab.evaluate(`clockLab.stall(${forMs})`);
      await pause(Math.max(0, from + everyMs - performance.now()));
    }
  })();
  return () => {
    over.abort();
    return running;
  };
}

async function watch(page: OpenPage, truth: HubTruth, forMs: number): Promise<Figures> {
  const { tab, connectMs, originMs } = page;
  const from = page.rest === undefined ? await tab.evaluate<number>('performance.now()') : 0;
  const samples: LabSample[] = [];
  const deadline = performance.now() + forMs;
  while (performance.now() < deadline) {
    const sample = await tab.evaluate<LabSample | null>('clockLab.sample() ?? null');
    if (sample !== null) samples.push(sample);
    await pause(SAMPLE_MS);
  }
  const all = await tab.evaluate<LabExchange[]>('clockLab.exchanges');
  const exchanges = all.filter(({ t0 }) => t0 >= from);
  const errors = samples.map(({ pageMs, hubMs }) =>
    Math.abs(hubMs - (pageMs + originMs + truth.offsetMs)),
  );
  const isProven = (errorMs: number, index: number): boolean =>
    errorMs <= (samples[index]?.status.maxErrorMs ?? NaN) + truth.errorMs;
  return {
    connectMs,
    requestMs: undefined,
    probes: exchanges.length,
    perMinute: (exchanges.length * 60_000) / forMs,
    rttMs: spreadOf(exchanges.map(({ rttMs }) => rttMs)),
    boundMs: spreadOf(samples.map(({ status }) => status.maxErrorMs)),
    errorMs: spreadOf(errors),
    samples: samples.length,
    unproven: errors.filter((errorMs, index) => !isProven(errorMs, index)).length,
    notGood: samples.filter(({ status }) => status.quality !== 'good').length,
  };
}

async function compare(stage: Stage, scenario: Scenario): Promise<Record<Thread, Figures>> {
  const { isHidden, load } = scenario;
  const forMs = scenario.forMs * SCALE;
  const pages: OpenPage[] = [];
  if (load === 'loading') {
    // At the same moment, as their first seconds are what is looked at.
    const opening = THREADS.map((thread) => openPage(stage, thread, load, true));
    pages.push(...(await Promise.all(opening)));
  } else {
    // Hidden ones share a window, behind one that is in front; those that are seen have one each.
    for (const [index, thread] of THREADS.entries()) {
      pages.push(await openPage(stage, thread, load, !isHidden || index === 0));
    }
    await pause(SETTLE_MS);
  }
  let front: PlainTab | undefined;
  if (isHidden) {
    front = await stage.tabs.open('about:blank');
    for (const { tab } of pages) await tab.until('document.hidden');
    await pause((THROTTLED_AFTER_S + 2) * 1_000);
  }
  const ends = pages.map(({ tab, rest }) => rest ?? keepBusy(tab, load));
  const figures = await Promise.all(pages.map((page) => watch(page, stage.truth, forMs)));
  await Promise.all(ends.map((end) => end()));
  const result: Partial<Record<Thread, Figures>> = {};
  for (const [index, { thread, tab }] of pages.entries()) {
    const requestMs =
      load === 'idle' && !isHidden
        ? spreadOf(await tab.evaluate<number[]>(`clockLab.requests(${REQUESTS})`))
        : undefined;
    const each = figures[index];
    if (each !== undefined) result[thread] = { ...each, requestMs };
    await tab.close();
  }
  await front?.close();
  return result as Record<Thread, Figures>;
}

function tell(results: Readonly<Record<string, Record<Thread, Figures>>>): void {
  const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 0);
  const of = ({ p50, p95, max }: Spread): string[] => [ms(p50), ms(p95), ms(max)];
  say(
    heading([
      'the page',
      'clock in',
      'probes a minute',
      'round trip p50, ms',
      'p95',
      'max',
      'proven bound p50, ms',
      'p95',
      'max',
      'true error p50, ms',
      'p95',
      'max',
      'beyond the bound',
      'not good',
    ]),
  );
  for (const [name, figures] of Object.entries(results)) {
    for (const thread of THREADS) {
      const { perMinute, rttMs, boundMs, errorMs, unproven, notGood, samples } = figures[thread];
      say(
        row([
          name,
          thread,
          perMinute.toFixed(0),
          ...of(rttMs),
          ...of(boundMs),
          ...of(errorMs),
          unproven,
          `${notGood} of ${samples}`,
        ]),
      );
    }
  }
  const idle = results['seen, idle'];
  for (const thread of THREADS) {
    const connectMs = spreadOf(Object.values(results).map((each) => each[thread].connectMs));
    const { requestMs } = idle?.[thread] ?? {};
    say(
      `\n${thread}: connected after ${ms(connectMs.p50)} ms (median of ${Object.keys(results).length}); a request takes ${ms(requestMs?.p50 ?? NaN)} ms (p50), ${ms(requestMs?.p95 ?? NaN)} (p95)`,
    );
  }
}

async function main(): Promise<void> {
  const cleanUps: (() => Promise<unknown>)[] = [];
  const results: Record<string, Record<Thread, Figures>> = {};
  let truth: HubTruth | undefined;
  try {
    const lab = await startClockLab();
    cleanUps.push(() => lab.stop());
    const temporary = await temporaryDir();
    cleanUps.push(() => temporary.remove());
    const earshot = await EarshotProcess.start({
      DATA_DIR: temporary.dir,
      ALLOWED_ORIGINS: lab.origin,
    });
    cleanUps.push(() => earshot.kill());
    const browser = await chromium.launch({
      executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', throttlesAfter(THROTTLED_AFTER_S)],
      ignoreDefaultArgs: THROTTLING_SWITCHES,
    });
    cleanUps.push(() => browser.close());
    truth = await hubTruth(earshot.port, await guest(earshot, 'Truth'));
    say(`hub time beside the monotonic clock is known to ± ${truth.errorMs.toFixed(3)} ms`);
    const stage = { earshot, lab, browser, tabs: await PlainTabs.of(browser), truth };
    for (const scenario of SCENARIOS) results[scenario.name] = await compare(stage, scenario);
    // Neither runs at another rate: what was true at the start has to be at the end.
    const after = await hubTruth(earshot.port, await guest(earshot, 'Truth'));
    const movedMs = Math.abs(after.offsetMs - truth.offsetMs);
    if (movedMs > truth.errorMs + after.errorMs)
      throw new Error(`the truth moved by ${movedMs} ms`);
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
  tell(results);
  await writeReport('clock-thread', { truth, results });
}

await main();
