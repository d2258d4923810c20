// Owns a whole load test: what it needs first, the phases or the search for the limit, and the report that comes of it. Knows no files and
// no command line.
import { startThread, type CrewLink } from './crew-link.ts';
import type { CrewReport, Identity } from './crew-messages.ts';
import { HubAnswerError, HubRest, type Somebody } from './hub-rest.ts';
import { HubWatch } from './hub-watch.ts';
import { Lead } from './lead.ts';
import { findLimit, type Found } from './limit.ts';
import { Phases, type Second } from './phases.ts';
import { mostLoadFor, personId, seatCount, seatsOf } from './placement.ts';
import { limitsMet, placesHere, refusalsOf, tryOut, type SocketsWanted } from './preflight.ts';
import type { Report } from './report/report.ts';
import { reportOf } from './run-report.ts';
import type { Phase, Scenario } from './scenario/scenario.ts';
import { createTokens } from './tokens.ts';
import type { Target } from './wire/lean-socket.ts';

export interface RunOptions {
  readonly scenario: Scenario;
  readonly targets: readonly Target[];
  /** With which the hubs sign tokens; undefined: people come as guests. */
  readonly secret: string | undefined;
  readonly threads: number;
  readonly sourceAddresses: readonly string[];
  /** Hubs on this machine, to be watched. */
  readonly hubPids: readonly number[];
  /** Whether hubs are asked for their metrics. */
  readonly isWatching: boolean;
  /** Hubs to be told to drain, one after the other, by SIGTERM. */
  readonly drainPids: readonly number[];
  /** Look for the highest load that keeps the thresholds, up to `mostLoad`. */
  readonly findLimit: { readonly mostLoad: number } | undefined;
  readonly keepRooms: boolean;
  /** Nothing that was timed is judged: whether anything was lost does not hang on how late the generator was. */
  readonly isLedgerOnly: boolean;
  readonly onSecond: (second: Second, phase: Phase | undefined) => void;
  readonly say: (line: string) => void;
}

/** Threads that are elsewhere, in place of those of this process. */
export interface Elsewhere {
  readonly agents: number;
  /** Between the machines' clocks, at most. */
  readonly clockErrorMs: number;
  readonly start: (onReport: (thread: number, report: CrewReport) => void) => readonly CrewLink[];
}

interface Done {
  readonly lead: Lead | undefined;
  readonly watch: HubWatch;
  readonly at: Date;
  readonly hubs: readonly HubRest[];
  /** Where the limit was looked for. */
  readonly found?: Found | undefined;
  readonly faultsAtEnd?: number;
}

export class LoadTest {
  readonly #options: RunOptions;
  readonly #elsewhere: Elsewhere | undefined;
  #lead: Lead | undefined;
  #isInterrupted = false;

  constructor(options: RunOptions, elsewhere?: Elsewhere) {
    this.#options = options;
    this.#elsewhere = elsewhere;
  }

  /** Ends early, whatever it does now: what was is reported. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#lead?.interrupt();
  }

  /** @throws with words where it cannot begin */
  async run(): Promise<Report> {
    const { targets, hubPids, isWatching } = this.#options;
    const refusals = refusalsOf(this.#options);
    if (refusals.length > 0) throw new Error(refusals.join('\n'));
    const at = new Date();
    const mostLoad = this.#mostLoad();
    const hubs = targets.map((target) => new HubRest(target));
    const [rest] = hubs;
    if (rest === undefined) throw new Error('no hub to connect to');
    const watch = new HubWatch({ pids: hubPids, hubs: isWatching ? hubs : [] });
    try {
      const lead = await this.#prepare(rest, mostLoad);
      if (lead === undefined) return this.#report({ lead, watch, at, hubs });
      watch.start();
      const found = await this.#through(lead, mostLoad);
      const before = faultsOf(lead.phases);
      await lead.settle();
      const faultsAtEnd = faultsOf(lead.phases) - before;
      const report = this.#report({ lead, watch, at, hubs, found, faultsAtEnd });
      await lead.end();
      return report;
    } finally {
      watch.stop();
      await this.#lead?.stop();
      for (const hub of hubs) hub.close();
    }
  }

  #mostLoad(): number {
    const { scenario, findLimit: search, say } = this.#options;
    if (search === undefined) {
      return Math.max(...scenario.phases.flatMap(({ from, load }) => [from ?? 0, load]));
    }
    // Agents hold what their machines do, and say so themselves.
    if (this.#elsewhere !== undefined) return search.mostLoad;
    const places = placesHere(this.#wanted());
    const most = mostLoadFor(scenario, search.mostLoad, places);
    // Where there is room for nobody, what is missing is named.
    if (most <= 0) return search.mostLoad;
    if (most < search.mostLoad) {
      say(
        `this machine holds ${places} sockets: the search ends at load ${most.toFixed(2)}. Raise "ulimit -n", or give addresses with --source-address`,
      );
    }
    return most;
  }

  #wanted(): Omit<SocketsWanted, 'sockets'> {
    const { targets, sourceAddresses } = this.#options;
    return { targets: targets.length, sourceAddresses: sourceAddresses.length };
  }

  /** @returns undefined where it was ended before anybody came */
  async #prepare(rest: HubRest, mostLoad: number): Promise<Lead | undefined> {
    const { scenario, targets, sourceAddresses, threads, keepRooms, say, onSecond } = this.#options;
    const sockets = seatCount(scenario, mostLoad, mostLoad);
    const met = this.#elsewhere === undefined ? limitsMet({ sockets, ...this.#wanted() }) : [];
    if (met.length > 0) throw new Error(met.join('\n'));
    const run = Math.floor(Math.random() * 2 ** 32);
    const identified = await this.#identify(rest, run, mostLoad);
    const isOver = (): boolean => this.#isInterrupted;
    if (identified === undefined || isOver()) return undefined;
    const { identity, somebody } = identified;
    const { token } = await somebody(0);
    // Addresses of agents are their own machines'.
    const from = this.#elsewhere === undefined ? sourceAddresses : [];
    for (const target of targets) {
      for (const address of from.length === 0 ? [undefined] : from) {
        await tryOut(target, token, address);
        if (isOver()) return undefined;
      }
    }
    const tracks = await rest.tracks(token);
    if (isOver()) return undefined;
    say(`${sockets} people on ${targets.map(({ authority }) => authority).join(', ')}`);
    const lead = new Lead({
      ...{ scenario, mostLoad, run, targets, rest, sourceAddresses, identity, somebody, tracks },
      startThreads:
        this.#elsewhere?.start ??
        ((onReport) =>
          Array.from({ length: threads }, (_, thread) =>
            startThread((report) => onReport(thread, report)),
          )),
      closeRooms: !keepRooms,
      onSecond,
      drain: (withinSeconds) => this.#drain(withinSeconds),
    });
    this.#lead = lead;
    await lead.start();
    return lead;
  }

  async #identify(
    rest: HubRest,
    run: number,
    mostLoad: number,
  ): Promise<{ identity: Identity; somebody: (person: number) => Promise<Somebody> } | undefined> {
    const { secret, scenario } = this.#options;
    if (secret !== undefined) {
      const tokenOf = createTokens(secret, run);
      const signed = async (person: number): Promise<Somebody> => {
        return { id: personId(run, person), token: await tokenOf(person) };
      };
      return { identity: { kind: 'secret', secret }, somebody: signed };
    }
    const people: Somebody[] = [];
    for (const { person } of seatsOf(scenario, mostLoad)) {
      if (this.#isInterrupted) return undefined;
      people.push(await guestOf(rest, person));
    }
    const guest = (person: number): Promise<Somebody> =>
      Promise.resolve(people[person] ?? { id: '', token: '' });
    return { identity: { kind: 'guests', people }, somebody: guest };
  }

  /** @returns what was found where the limit was looked for */
  async #through(lead: Lead, mostLoad: number): Promise<Found | undefined> {
    const { scenario, findLimit: search, isLedgerOnly, say } = this.#options;
    if (search !== undefined) {
      return findLimit({
        ...{ scenario, lead, mostLoad, isLedgerOnly, say },
        clockErrorMs: this.#elsewhere?.clockErrorMs ?? 0,
      });
    }
    for (const phase of scenario.phases) await lead.phase(phase);
    return undefined;
  }

  async #drain(withinSeconds: number): Promise<void> {
    const { drainPids, say } = this.#options;
    for (const pid of drainPids) {
      if (this.#lead?.isOver !== false) return;
      say(`process ${pid} is told to drain`);
      try {
        process.kill(pid, 'SIGTERM');
      } catch (error) {
        say(`process ${pid} could not be told: ${error instanceof Error ? error.message : ''}`);
      }
      await new Promise((resolve) =>
        setTimeout(resolve, (withinSeconds * 1_000) / drainPids.length),
      );
    }
  }

  #report({ lead, watch, at, hubs, found, faultsAtEnd = 0 }: Done): Report {
    const { scenario, threads, isLedgerOnly, say } = this.#options;
    say('');
    return reportOf({
      ...{ scenario, at, isLedgerOnly, found, faultsAtEnd },
      isInterrupted: this.#isInterrupted,
      hubs: hubs.map(({ address }) => address),
      hubSeconds: watch.seconds,
      phases: lead?.phases ?? new Phases(threads),
      ran: lead?.ran ?? [],
      lost: lead?.lost,
      agents: this.#elsewhere?.agents ?? 0,
      threads,
      clockErrorMs: this.#elsewhere?.clockErrorMs ?? 0,
    });
  }
}

async function guestOf(rest: HubRest, person: number): Promise<Somebody> {
  try {
    return await rest.createGuest(`Listener ${person}`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isTooMany = error instanceof HubAnswerError && error.status === 429;
    const hint = isTooMany
      ? '\nA hub makes few guests for one address (GUESTS_PER_MINUTE, GUEST_BURST); with its secret in --secret or TOKEN_SECRET people need not be guests'
      : '';
    throw new Error(`guest ${person + 1} was not let in: ${message}${hint}`, { cause: error });
  }
}

function faultsOf(phases: Phases): number {
  return phases.totals().faults.reduce((total, { count }) => total + count, 0);
}
