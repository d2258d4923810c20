// The load test against a real hub: what it finds where all is well, and that it finds each thing that is not, by its name.
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { FrameProxy, type ProxiedFrame } from '../support/frame-proxy.ts';
import {
  startAgent,
  startLoadTest,
  type LoadTestRun,
  type RunningLoadTest,
} from '../support/load-test.ts';

const SECRET = 'the load test and its hub share this';
let dir: string;
let hub: EarshotProcess;
const cleanUps: (() => Promise<unknown>)[] = [];
let runs = 0;

beforeAll(async () => {
  const temporary = await temporaryDir();
  cleanUps.push(() => temporary.remove());
  ({ dir } = temporary);
  hub = await EarshotProcess.start({
    DATA_DIR: path.join(dir, 'data'),
    TOKEN_SECRET: SECRET,
    LOG_LEVEL: 'info',
  });
  cleanUps.push(() => hub.kill());
});

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

function start(...args: readonly string[]): RunningLoadTest {
  runs += 1;
  const out = path.join(dir, `report-${runs}`);
  return startLoadTest(args, out, { TOKEN_SECRET: SECRET });
}

/** Nothing here is about times, which are the machine's; what came and what did not is the hub's and the network's. */
const LEDGER = '--ledger-only';
/** In which all have come, also on a busy machine. */
const GATHER_SECONDS = 5;

/** Resolves when so many are connected and rooms are there: a busy machine takes longer than any pause. */
async function hasPeople(node: EarshotProcess, count: number): Promise<void> {
  const atLeast = (name: string, least: number): Promise<void> =>
    expect.poll(() => node.metric(name), { timeout: 60_000 }).toBeGreaterThanOrEqual(least);
  await atLeast('earshot_connections', count);
  await atLeast('earshot_rooms', 1);
  await pause(2_000);
}

async function run(...args: readonly string[]): Promise<LoadTestRun> {
  return start(...args).ended;
}

/** A scenario of two full rooms where much is said: in a file, as somebody's own is. */
async function talkative(changes: object = {}): Promise<string> {
  const scenario = {
    name: 'talkative',
    groups: [
      {
        ...{ kind: 'rooms', rooms: 2, listeners: 20, preset: 'friends', tracks: 2 },
        acts: { seek: 30, queue: 240, chat: 400 },
      },
    ],
    phases: [
      { name: 'ramp', seconds: 1, from: 0, load: 1 },
      { name: 'steady', seconds: 4, measured: true },
    ],
    settleSeconds: 1,
    thresholds: ['faults == 0', 'stalls == 0'],
    ...changes,
  };
  runs += 1;
  const file = path.join(dir, `scenario-${runs}.yaml`);
  // JSON is YAML.
  await writeFile(file, JSON.stringify(scenario));
  return file;
}

// On a busy machine a run may rightly be called invalid: it is tried again.
describe('the load test', { timeout: 120_000, retry: 2 }, () => {
  it('finds nothing wrong where nothing is, and accounts for all of it', async () => {
    const { code, report, output } = await run(
      ...[
        await talkative(),
        '--url',
        hub.url,
        '--hub-pid',
        String(hub.pid),
        '--threads',
        '2',
        LEDGER,
      ],
    );
    expect(output).toContain('faults: none');
    expect(code, output).toBe(0);
    expect(report).toMatchObject({ verdict: 'passed', faults: [], stalls: [] });
    expect(report?.sent['revisions']).toBeGreaterThan(40);
    expect(report?.sent['chatItems']).toBeGreaterThan(500);
    expect(report?.inStep.samples).toBeGreaterThan(100);
    const { latencies } = report!;
    for (const name of [
      'connect',
      'join',
      'command.ack',
      'command.last',
      'chat.each',
      'inStep.error',
    ]) {
      expect(latencies[name]?.count, name).toBeGreaterThan(0);
    }
    // The hub's own figures and its process were looked at meanwhile.
    expect(report?.hubSeconds.some(({ cpuShare }) => (cpuShare ?? 0) > 0)).toBe(true);
    expect(report?.hubSeconds.some(({ metrics }) => metrics['earshot_connections'] === 40)).toBe(
      true,
    );
  });

  /** Some frames of all are tampered with, each once: those that carry `type`, by their number. */
  async function tampered(
    type: string,
    tamper: Readonly<Record<number, (frame: ProxiedFrame, proxy: FrameProxy) => void>>,
    changes: object = {},
    ...flags: readonly string[]
  ): Promise<LoadTestRun> {
    let seen = 0;
    const proxy: FrameProxy = await FrameProxy.to(hub.port, (frame) => {
      const isOne = frame.text.startsWith(`{"type":"${type}"`);
      if (isOne) seen += 1;
      const act = isOne ? tamper[seen] : undefined;
      if (act === undefined) frame.way.send(frame.bytes);
      else act(frame, proxy);
    });
    const url = `http://127.0.0.1:${proxy.port}`;
    const done = await run(await talkative(changes), '--url', url, ...flags);
    await proxy.close();
    expect(seen).toBeGreaterThan(Math.max(...Object.keys(tamper).map(Number)));
    return done;
  }

  it.each([
    ['room.chat', 'chat'],
    ['room.events', 'revision'],
  ])('names a lost, a doubled, an overtaken and a leaked frame of %s', async (type, stream) => {
    const tamper: Parameters<typeof tampered>[1] = {
      100: () => undefined,
      200: ({ way, bytes }) => {
        way.send(bytes);
        way.send(bytes);
      },
      300: ({ way, bytes }) => {
        // The next one of its kind on this way overtakes it.
        const { send } = way;
        way.send = (next) => {
          send(next);
          if (!next.includes(type)) return;
          way.send = send;
          send(bytes);
        };
      },
      400: ({ way, bytes }, proxy) => {
        way.send(bytes);
        // The rooms fill one after the other: the first and the last who came are not in one.
        const sockets = proxy.ways.filter(({ isSocket }) => isSocket);
        const others = [sockets.at(1), sockets.at(-1)].filter((other) => other !== way);
        for (const other of others) other?.send(bytes);
      },
    };
    const { code, report, output } = await tampered(type, tamper, {}, LEDGER);
    expect(code, output).toBe(1);
    const found = report?.faults.filter((fault) => fault.stream === stream) ?? [];
    const counts = Object.fromEntries(found.map(({ kind, count }) => [kind, count]));
    // A frame may carry several revisions, each of which counts; the one of the two others who is in that room had them already.
    expect(Object.keys(counts).sort(), output).toEqual([
      ...['missing', 'out_of_order', 'twice', 'wrong_room'],
    ]);
    expect(counts['twice'], output).toBeGreaterThanOrEqual(2);
    expect(counts['wrong_room'], output).toBe(1);
    // Who it happened to, and where, is told.
    for (const { examples } of found) {
      expect(examples[0]).toMatch(/listener \d+, room [0-9a-f-]{36}/);
    }
  });

  it('names a delay by the threshold that it breaks', async () => {
    const late = await tampered(
      'room.chat',
      {
        100: ({ way, bytes }) => {
          // Whatever follows on this way waits behind it, as behind a full buffer.
          const queue: Buffer[] = [bytes];
          const { send } = way;
          way.send = (more) => queue.push(more);
          setTimeout(() => {
            way.send = send;
            for (const each of queue) send(each);
          }, 900);
        },
      },
      { thresholds: ['faults == 0', 'chat.each max <= 700'] },
    );
    expect(late.code, late.output).toBe(1);
    expect(late.report?.faults).toEqual([]);
    expect(late.output).toMatch(/BROKEN {2}chat\.each max <= 700 {2}\(was \d+\)/);
  });

  it('names a hub that stands still for two seconds', async () => {
    const running = start(await talkative(), '--url', hub.url, LEDGER);
    await pause(4_000);
    process.kill(hub.pid, 'SIGSTOP');
    await pause(2_000);
    process.kill(hub.pid, 'SIGCONT');
    const { code, report, output } = await running.ended;
    expect(code, output).toBe(1);
    expect(report?.stalls).toHaveLength(1);
    expect(report?.stalls[0]?.lastedMs).toBeGreaterThan(1_500);
    expect(report?.stalls[0]?.lastedMs).toBeLessThan(4_000);
    expect(output).toMatch(/STALL: .* answered nobody for [12]/);
    expect(report?.faults).toEqual([]);
  });

  it('calls a run invalid whose generator was starved', async () => {
    const running = start(await talkative(), '--url', hub.url);
    await pause(3_500);
    for (let n = 0; n < 12; n += 1) {
      process.kill(running.pid, 'SIGSTOP');
      await pause(180);
      process.kill(running.pid, 'SIGCONT');
      await pause(60);
    }
    const { code, report, output } = await running.ended;
    expect(code, output).toBe(3);
    expect(report?.verdict).toBe('invalid');
    expect(output).toMatch(/the generator (sent|read)/);
  });

  it('does not take its own pause for one of the hub', async () => {
    const running = start(await talkative(), '--url', hub.url);
    await pause(4_000);
    process.kill(running.pid, 'SIGSTOP');
    await pause(2_500);
    process.kill(running.pid, 'SIGCONT');
    const { report, output } = await running.ended;
    expect(report?.stalls, output).toEqual([]);
    expect(report?.faults, output).toEqual([]);
  });

  it('lets other machines take part, and measures across them', async () => {
    const key = 'a key that both of them know';
    const agents = [await startAgent(key), await startAgent(key)];
    const addresses = agents.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const group = { kind: 'rooms', rooms: 1, listeners: 500, grows: 'listeners', preset: 'radio' };
    const file = await talkative({
      groups: [{ ...group, clockShare: 0.1, acts: { seek: 90, chat: 60 } }],
      phases: [
        { name: 'ramp', seconds: 3, from: 0, load: 1 },
        { name: 'gather', seconds: GATHER_SECONDS },
        { name: 'steady', seconds: 5, measured: true },
      ],
      thresholds: ['faults == 0', 'lost == 0'],
    });
    const flags = ['--url', hub.url, '--agents', addresses, '--threads', '1', LEDGER];
    const { code, report, output } = await run(file, ...flags, '--agent-key', key);
    const wrong = await run(file, ...flags, '--agent-key', 'not what they know');
    for (const agent of agents) await agent.stop();
    expect(code, output).toBe(0);
    expect(report?.generator).toMatchObject({ agents: 2, threads: 2 });
    expect(report?.counts.joined).toBe(500);
    // The room is spread over both: what came last is known to neither alone.
    expect(report?.latencies['command.last']?.count).toBeGreaterThan(0);
    expect(report?.latencies['command.each']?.count).toBeGreaterThan(400);
    expect(wrong.code).toBe(2);
    expect(wrong.output).toMatch(/agent 127\.0\.0\.1:\d+: .*401/);
  });

  it('follows people through the loss of all connections', async () => {
    const { code, report, output } = await run(
      await talkative({
        phases: [
          { name: 'ramp', seconds: 1, from: 0, load: 1 },
          { name: 'gather', seconds: GATHER_SECONDS },
          { name: 'storm', seconds: 5, measured: true, event: 'reconnect', withinSeconds: 1 },
        ],
        thresholds: ['faults == 0', 'lost == 0'],
      }),
      ...['--url', hub.url, LEDGER],
    );
    expect(code, output).toBe(0);
    expect(report?.latencies['resume']?.count).toBe(40);
    expect(report?.sent['resumed']).toBe(40);
  });

  it('follows people who come back before they are let go', async () => {
    const group = { kind: 'rooms', rooms: 2, listeners: 20, preset: 'friends', tracks: 2 };
    const { code, report, output } = await run(
      await talkative({
        groups: [{ ...group, staySeconds: 1, awaySeconds: 0.001, acts: { chat: 400 } }],
        thresholds: ['faults == 0', 'unanswered == 0', 'lost == 0'],
      }),
      ...['--url', hub.url, LEDGER],
    );
    expect(code, output).toBe(0);
    expect(report?.counts.left).toBeGreaterThan(40);
    expect(report?.counts.ended).not.toHaveProperty('room.left kicked');
  });

  const friends = {
    groups: [{ kind: 'feed', people: 16, meanFriends: 4, playsPerMinute: 5, privateShare: 0.2 }],
    phases: [
      { name: 'ramp', seconds: 1, from: 0, load: 1 },
      { name: 'steady', seconds: 20, measured: true },
    ],
    thresholds: ['faults == 0', 'refused == 0'],
  };

  it('names lost, doubled and leaked frames of feed.items', async () => {
    const lose = (): void => undefined;
    const { code, report, output } = await tampered(
      'feed.items',
      {
        // Of several, as a track that is left soon need not be shown.
        ...Object.fromEntries([3, 8, 13, 18, 23, 28, 33, 38].map((n) => [n, lose])),
        10: ({ way, bytes }) => {
          way.send(bytes);
          way.send(bytes);
        },
        // To all, of whom few are friends.
        20: ({ bytes }, proxy) => {
          for (const way of proxy.ways) if (way.isSocket) way.send(bytes);
        },
      },
      friends,
      ...['--threads', '2', LEDGER],
    );
    expect(code, output).toBe(1);
    const found = report?.faults.filter(({ stream }) => stream === 'feed') ?? [];
    expect(found.map(({ kind }) => kind).sort(), output).toEqual(['leaked', 'missing', 'twice']);
    for (const { examples } of found) expect(examples[0]).toMatch(/; person \d+$/);
  });

  it('knows who may see what of a feed', async () => {
    const { code, report, output } = await run(
      ...[await talkative(friends), '--url', hub.url, '--threads', '2', LEDGER],
    );
    expect(code, output).toBe(0);
    expect(report?.sent['feedItems']).toBeGreaterThan(10);
    expect(report?.latencies['feed.visible']?.count).toBeGreaterThan(5);
  });

  it('searches for the limit, and says what gave way', async () => {
    const { code, report, output } = await run(
      await talkative({
        groups: [{ kind: 'rooms', rooms: 1, listeners: 4, grows: 'listeners', acts: { chat: 60 } }],
        phases: [{ name: 'steady', seconds: 2, measured: true }],
        // Counted in each trial alone: at load 2 four more come, at 4 eight, at 8 sixteen.
        thresholds: ['faults == 0', 'join count <= 12'],
      }),
      ...['--url', hub.url, '--find-limit', '--most-load', '16'],
    );
    expect(code, output).toBe(0);
    expect(report?.limit, output).not.toBeNull();
    const { load, brokeAt, trials } = report!.limit!;
    const broke = trials.filter(({ verdict }) => verdict === 'broke');
    expect(load).toBeGreaterThan(0);
    expect(brokeAt).toBeGreaterThan(load);
    expect(Math.min(...broke.map((trial) => trial.load))).toBeGreaterThan(4);
    // On a busy machine the generator may give way as well, at another load.
    const gaveWay = broke.flatMap(({ broken }) => broken).join();
    expect(gaveWay, output).toMatch(/join count <= 12 \(was 1\d\.\d\)/);
  });

  it('searches where everybody loses the connection', async () => {
    const { code, report, output } = await run(
      await talkative({
        groups: [{ kind: 'rooms', rooms: 1, listeners: 16, grows: 'listeners' }],
        phases: [{ name: 'storm', seconds: 2, measured: true, event: 'reconnect' }],
        thresholds: ['resume p99 <= 20000'],
      }),
      ...['--url', hub.url, '--find-limit', '--most-load', '1'],
    );
    expect(code, output).toBe(0);
    expect(report?.limit?.load, output).toBeGreaterThan(0);
    expect(report?.latencies['resume']?.count).toBeGreaterThan(0);
    expect(output).not.toContain('not measured');
  });

  it('reports what was when it is interrupted', async () => {
    const running = start('party', '--url', hub.url, '--rooms', '2', '--seconds', '60');
    await hasPeople(hub, 10);
    running.end('SIGINT');
    const { code, report, output } = await running.ended;
    expect(code, output).toBe(130);
    expect(report?.verdict).toBe('interrupted');
    expect(report?.counts.joined).toBeGreaterThan(0);
  });

  it('reports what was when an agent is lost', async () => {
    const key = 'a key that both of them know';
    const agent = await startAgent(key);
    const running = start(
      ...['party', '--url', hub.url, '--rooms', '2', '--seconds', '60', '--threads', '1'],
      ...['--agents', `127.0.0.1:${agent.port}`, '--agent-key', key],
    );
    await hasPeople(hub, 10);
    await agent.stop();
    const { code, report, output } = await running.ended;
    expect(code, output).toBe(3);
    expect(report?.verdict).toBe('invalid');
    expect(output).toMatch(/it could not go on: agent 127\.0\.0\.1:\d+ is gone/);
    expect(report?.counts.joined).toBeGreaterThan(0);
  });

  it('tells of a hub that dies in the middle', async () => {
    const other = await EarshotProcess.start({
      DATA_DIR: path.join(dir, 'dying'),
      TOKEN_SECRET: SECRET,
    });
    const phases = [
      { name: 'ramp', seconds: 1, from: 0, load: 1 },
      { name: 'steady', seconds: 15, measured: true },
    ];
    const running = start(await talkative({ phases }), '--url', other.url, LEDGER);
    await hasPeople(other, 40);
    await other.kill();
    const { code, report, output } = await running.ended;
    expect(code, output).toBe(1);
    expect(report?.stalls).toHaveLength(1);
    expect(report?.counts.lost).toBe(40);
    expect(report?.counts.ended['1006']).toBe(40);
  });

  it.each([
    ['a scenario that is not there', ['nowhere'], 'there is no scenario "nowhere"'],
    ['a wrong key', ['{"groupz": []}'], /groupz/],
    [
      'a host that refuses',
      ['party', '--url', 'http://127.0.0.1:1'],
      /127\.0\.0\.1:1 .*ECONNREFUSED/,
    ],
    ['an address that is none', ['party', '--url', 'ftp://x'], 'ftp:// is no way to a hub'],
    ['a secret that is another one', ['party', '--secret', 'x'.repeat(40)], /unauthorised/],
    ['more sockets than files', ['stadium', '--listeners', '900000'], /ulimit -n 900/],
    ['a threshold that is none', ['party', '--threshold', 'quick'], /"quick" is no threshold/],
    [
      'a threshold of nothing',
      ['party', '--threshold', 'joim <= 1'],
      /nothing is measured as joim/,
    ],
    ['a search without thresholds', ['party', '--find-limit', '--no-thresholds'], /no thresholds/],
    ['a drain of nobody', ['drain'], /name their processes with --drain/],
    ['a drain of who is not there', ['drain', '--drain', '4194303'], /no process 4194303/],
    ['half a thread', ['party', '--threads', '0.5'], /a whole number from 1 to 256/],
    ['a port that is none', ['agent', '--port', 'abc'], /a whole number from 0 to 65535/],
  ])('refuses %s in words', async (_, args, words) => {
    const given = await Promise.all(
      args.map(async (arg) => {
        if (!arg.startsWith('{')) return arg;
        return talkative(JSON.parse(arg) as object);
      }),
    );
    const { code, output, report } = await run(
      ...given,
      ...(args.includes('--url') ? [] : ['--url', hub.url]),
    );
    expect(code).toBe(2);
    expect(output).toMatch(words);
    expect(report).toBeUndefined();
  });
});
