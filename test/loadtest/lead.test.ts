// The one who leads a run, over threads that the test speaks for: what belongs to which phase, and how it ends before its time.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CrewOrder, CrewReport } from '../../loadtest/crew-messages.ts';
import type { HubRest } from '../../loadtest/hub-rest.ts';
import { Lead } from '../../loadtest/lead.ts';
import { machineNow } from '../../loadtest/machine-clock.ts';
import { ScenarioSchema, type Phase } from '../../loadtest/scenario/scenario.ts';

const SCENARIO = ScenarioSchema.parse({
  name: 'spread',
  groups: [{ kind: 'rooms', rooms: 40, listeners: 2 }],
  arrivalsPerSecond: 1_000,
  phases: [{ name: 'any', seconds: 1 }],
});
const phase = (name: string, seconds: number): Phase => ({
  ...{ name, seconds, load: 1, measured: true, withinSeconds: 0 },
});

let lead: Lead;
let orders: CrewOrder['kind'][];
let created: number;
/** Called with each room that is asked for. */
let onRoom: () => void;
let report: (thread: number, report: CrewReport) => void;

/** Threads that do at once what they are told. */
const ANSWERS = new Map<CrewOrder['kind'], CrewReport>([
  ['start', { kind: 'started' }],
  ['quiet', { kind: 'quiet', furthest: [], latest: [] }],
  ['judge', { kind: 'judged' }],
  ['end', { kind: 'ended' }],
]);

beforeEach(() => {
  vi.useFakeTimers();
  orders = [];
  created = 0;
  onRoom = () => undefined;
  const rest = {
    createRoom: () => {
      created += 1;
      onRoom();
      return Promise.resolve(`room ${created}`);
    },
  } as unknown as HubRest;
  lead = new Lead({
    ...{ scenario: SCENARIO, mostLoad: 1, run: 1, targets: [], rest, sourceAddresses: [] },
    ...{ identity: { kind: 'secret', secret: 'x' }, tracks: [], closeRooms: false },
    somebody: (person) => Promise.resolve({ id: String(person), token: '' }),
    startThreads: (onReport) => {
      report = onReport;
      return [0, 1].map((thread) => ({
        send: (order) => {
          orders.push(order.kind);
          const answer = ANSWERS.get(order.kind);
          if (answer !== undefined) queueMicrotask(() => onReport(thread, answer));
        },
        stop: () => Promise.resolve(),
      }));
    },
    onSecond: () => undefined,
    drain: () => Promise.resolve(),
  });
});
afterEach(async () => {
  await lead.stop();
  vi.useRealTimers();
});

const seek = { group: 0, room: 0, stream: 'revisions', act: 'seek' } as const;

describe('what the last of all listeners got', () => {
  const mark = (key: string): void =>
    report(0, { kind: 'marks', marks: [{ ...seek, key, intendedMs: machineNow() }] });
  const last = (thread: number, key: string, afterMs: number): void =>
    report(thread, { kind: 'last', seen: [{ ...seek, key, afterMs }] });
  const lastOf = (index: number) => lead.phases.figures(index).latencies['command.last'];

  it('counts in the phase in which the act was meant, once, by the slowest thread', async () => {
    await lead.start();
    const first = lead.phase(phase('first', 2));
    await vi.advanceTimersByTimeAsync(1_000);
    mark('1:1');
    await vi.advanceTimersByTimeAsync(1_500);
    await first;
    const second = lead.phase(phase('second', 20));
    await vi.advanceTimersByTimeAsync(4_000);
    last(0, '1:1', 20);
    last(1, '1:1', 35);
    await vi.advanceTimersByTimeAsync(5_000);
    // Long before the end of the run.
    expect(lastOf(0)).toMatchObject({ count: 1 });
    expect(lastOf(0)?.maxMs).toBeCloseTo(35, 0);
    expect(lead.phases.figures(0).latencies['seek.last']?.count).toBe(1);
    expect(lastOf(1)).toBeUndefined();
    // What comes after that was counted already.
    last(1, '1:1', 9_000);
    lead.interrupt();
    await second;
    await lead.settle();
    expect(lastOf(0)?.count).toBe(1);
  });

  it('is waited for before a phase is judged, and told at the end at the latest', async () => {
    await lead.start();
    const only = lead.phase(phase('only', 1));
    await vi.advanceTimersByTimeAsync(500);
    mark('1:1');
    await vi.advanceTimersByTimeAsync(1_000);
    await only;
    let isComplete = false;
    const complete = lead.complete().then(() => (isComplete = true));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(isComplete).toBe(false);
    last(0, '1:1', 20);
    await vi.advanceTimersByTimeAsync(6_000);
    await complete;
    expect(lastOf(0)?.count).toBe(1);
    mark('1:2');
    last(1, '1:2', 30);
    await lead.settle();
    expect(lastOf(0)?.count).toBe(2);
  });
});

describe('a run that is ended early', () => {
  it('has no phase where that was before the first one', async () => {
    lead.interrupt();
    await lead.start();
    await lead.phase(phase('first', 60));
    expect(lead.ran).toEqual([]);
    expect(created).toBe(0);
    expect(orders).not.toContain('phase');
  });

  it('makes no more rooms, and does not begin the phase that they are for', async () => {
    onRoom = () => {
      if (created === 5) lead.interrupt();
    };
    await lead.start();
    await lead.phase(phase('first', 60));
    expect(created).toBeLessThan(40);
    expect(lead.ran).toEqual([]);
  });

  it('ends the phase that runs', async () => {
    await lead.start();
    const first = lead.phase(phase('first', 60));
    await vi.advanceTimersByTimeAsync(1_000);
    lead.interrupt();
    await first;
    expect(lead.ran).toHaveLength(1);
  });
});

describe('a thread that is gone', () => {
  const failed = { kind: 'failed', message: 'agent one:9090 is gone' } as const;

  it('ends the run with what was, and tells why', async () => {
    await lead.start();
    const first = lead.phase(phase('first', 60));
    await vi.advanceTimersByTimeAsync(1_000);
    report(1, failed);
    report(1, { kind: 'failed', message: 'and more' });
    await first;
    await lead.phase(phase('second', 60));
    await lead.settle();
    await lead.end();
    expect(lead.ran.map(({ name }) => name)).toEqual(['first']);
    expect(lead).toMatchObject({ lost: failed.message, isOver: true, isInterrupted: false });
  });

  it('is waited for no longer where it goes during the last comparison', async () => {
    await lead.start();
    ANSWERS.delete('quiet');
    const settled = lead.settle();
    ANSWERS.set('quiet', { kind: 'quiet', furthest: [], latest: [] });
    report(0, failed);
    await settled;
    expect(lead.lost).toBe(failed.message);
  });

  it('cannot begin where it never was there', async () => {
    ANSWERS.delete('start');
    const started = lead.start();
    ANSWERS.set('start', { kind: 'started' });
    report(0, failed);
    await expect(started).rejects.toThrow(failed.message);
  });
});
