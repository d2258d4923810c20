// The load test against a real hub where all is well: it accounts for all of it, searches, and tells of whatever ends it early.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAgent } from '../support/load-test.ts';
import { LEDGER, LoadTestedHub, friends, hasPeople } from '../support/load-tested-hub.ts';

/** In which all have come, also on a busy machine. */
const GATHER_SECONDS = 5;

let world: LoadTestedHub;

beforeAll(async () => {
  world = await LoadTestedHub.start();
});

afterAll(() => world.stop());

// On a busy machine a run may rightly be called invalid: it is tried again.
describe('the load test', { retry: 2 }, () => {
  it('finds nothing wrong where nothing is, and accounts for all of it', async () => {
    const { code, report, output } = await world.run(
      ...[
        await world.talkative(),
        '--url',
        world.hub.url,
        '--hub-pid',
        String(world.hub.pid),
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

  it('lets other machines take part, and measures across them', async () => {
    const key = 'a key that both of them know';
    const agents = [await startAgent(key), await startAgent(key)];
    const addresses = agents.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const group = { kind: 'rooms', rooms: 1, listeners: 120, grows: 'listeners', preset: 'radio' };
    const file = await world.talkative({
      groups: [{ ...group, clockShare: 0.1, acts: { seek: 300, chat: 60 } }],
      phases: [
        { name: 'ramp', seconds: 3, from: 0, load: 1 },
        { name: 'gather', seconds: GATHER_SECONDS },
        { name: 'steady', seconds: 5, measured: true },
      ],
      thresholds: ['faults == 0', 'lost == 0'],
    });
    const flags = ['--url', world.hub.url, '--agents', addresses, '--threads', '1', LEDGER];
    const { code, report, output } = await world.run(file, ...flags, '--agent-key', key);
    const wrong = await world.run(file, ...flags, '--agent-key', 'not what they know');
    for (const agent of agents) await agent.stop();
    expect(code, output).toBe(0);
    expect(report?.generator).toMatchObject({ agents: 2, threads: 2 });
    expect(report?.counts.joined).toBe(120);
    // The room is spread over both: what came last is known to neither alone.
    expect(report?.latencies['command.last']?.count).toBeGreaterThan(0);
    expect(report?.latencies['command.each']?.count).toBeGreaterThan(400);
    expect(wrong.code).toBe(2);
    expect(wrong.output).toMatch(/agent 127\.0\.0\.1:\d+: .*401/);
  });

  it('follows people through the loss of all connections', async () => {
    const { code, report, output } = await world.run(
      await world.talkative({
        phases: [
          { name: 'ramp', seconds: 1, from: 0, load: 1 },
          { name: 'gather', seconds: GATHER_SECONDS },
          { name: 'storm', seconds: 5, measured: true, event: 'reconnect', withinSeconds: 1 },
        ],
        thresholds: ['faults == 0', 'lost == 0'],
      }),
      ...['--url', world.hub.url, LEDGER],
    );
    expect(code, output).toBe(0);
    expect(report?.latencies['resume']?.count).toBe(40);
    expect(report?.sent['resumed']).toBe(40);
  });

  it('follows people who come back before they are let go', async () => {
    const group = { kind: 'rooms', rooms: 2, listeners: 20, preset: 'friends', tracks: 2 };
    const { code, report, output } = await world.run(
      await world.talkative({
        groups: [{ ...group, staySeconds: 1, awaySeconds: 0.001, acts: { chat: 400 } }],
        thresholds: ['faults == 0', 'unanswered == 0', 'lost == 0'],
      }),
      ...['--url', world.hub.url, LEDGER],
    );
    expect(code, output).toBe(0);
    expect(report?.counts.left).toBeGreaterThan(40);
    expect(report?.counts.ended).not.toHaveProperty('room.left kicked');
  });

  it('knows who may see what of a feed', async () => {
    const { code, report, output } = await world.run(
      ...[await world.talkative(friends(20)), '--url', world.hub.url, '--threads', '2', LEDGER],
    );
    expect(code, output).toBe(0);
    expect(report?.sent['feedItems']).toBeGreaterThan(3);
    expect(report?.latencies['feed.visible']?.count).toBeGreaterThan(2);
  });

  it('searches for the limit, and says what gave way', async () => {
    const { code, report, output } = await world.run(
      await world.talkative({
        groups: [{ kind: 'rooms', rooms: 1, listeners: 4, grows: 'listeners', acts: { chat: 60 } }],
        phases: [{ name: 'steady', seconds: 2, measured: true }],
        // Counted in each trial alone: at load 2 four more come, at 4 eight, at 8 sixteen.
        thresholds: ['faults == 0', 'join count <= 12'],
      }),
      ...['--url', world.hub.url, '--find-limit', '--most-load', '16', LEDGER],
    );
    expect(code, output).toBe(0);
    expect(report?.limit, output).not.toBeNull();
    const { load, brokeAt, trials } = report!.limit!;
    const broke = trials.filter(({ verdict }) => verdict === 'broke');
    expect(load).toBeGreaterThan(0);
    expect(brokeAt).toBeGreaterThan(load);
    expect(Math.min(...broke.map((trial) => trial.load))).toBeGreaterThan(4);
    expect(report!.limit!.gaveWay.join(), output).toMatch(/join count <= 12 \(was 1\d\.\d\)/);
  });

  it('searches where everybody loses the connection', async () => {
    const { code, report, output } = await world.run(
      await world.talkative({
        groups: [{ kind: 'rooms', rooms: 1, listeners: 16, grows: 'listeners' }],
        phases: [{ name: 'storm', seconds: 2, measured: true, event: 'reconnect' }],
        thresholds: ['resume count >= 1'],
      }),
      ...['--url', world.hub.url, '--find-limit', '--most-load', '1', LEDGER],
    );
    expect(code, output).toBe(0);
    expect(report?.limit?.load, output).toBeGreaterThan(0);
    expect(report?.latencies['resume']?.count).toBeGreaterThan(0);
    expect(output).not.toContain('not measured');
  });

  it('reports what was when it is interrupted', async () => {
    const running = world.start('party', '--url', world.hub.url, '--rooms', '2', '--seconds', '60');
    await hasPeople(world.hub, 10);
    running.end('SIGINT');
    const { code, report, output } = await running.ended;
    expect(code, output).toBe(130);
    expect(report?.verdict).toBe('interrupted');
    expect(report?.counts.joined).toBeGreaterThan(0);
  });

  it('reports what was when an agent is lost', async () => {
    const key = 'a key that both of them know';
    const agent = await startAgent(key);
    const running = world.start(
      ...['party', '--url', world.hub.url, '--rooms', '2', '--seconds', '60', '--threads', '1'],
      ...['--agents', `127.0.0.1:${agent.port}`, '--agent-key', key],
    );
    await hasPeople(world.hub, 10);
    await agent.stop();
    const { code, report, output } = await running.ended;
    expect(code, output).toBe(3);
    expect(report?.verdict).toBe('invalid');
    expect(output).toMatch(/it could not go on: agent 127\.0\.0\.1:\d+ is gone/);
    expect(report?.counts.joined).toBeGreaterThan(0);
  });

  it('tells of a hub that dies in the middle', async () => {
    const other = await world.another('dying');
    const phases = [
      { name: 'ramp', seconds: 1, from: 0, load: 1 },
      { name: 'steady', seconds: 12, measured: true },
    ];
    const running = world.start(await world.talkative({ phases }), '--url', other.url, LEDGER);
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
        return world.talkative(JSON.parse(arg) as object);
      }),
    );
    const { code, output, report } = await world.run(
      ...given,
      ...(args.includes('--url') ? [] : ['--url', world.hub.url]),
    );
    expect(code).toBe(2);
    expect(output).toMatch(words);
    expect(report).toBeUndefined();
  });
});
