// The command line of operators, a process of its own, against a running Earshot.
import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { userId } from '../support/hub-world.ts';
import { operatorToken, signedToken } from '../support/signed-token.ts';
import { WireClient, guestToken } from '../support/wire-client.ts';

const TOKEN_SECRET = 'Zk3vQ9rT1xW7yB5nM8cL2pH6jD4gF0sA';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('earshot-operator', () => {
  let earshot: EarshotProcess;
  let token: string;
  let dir: string;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    const temporary = await temporaryDir();
    dir = temporary.dir;
    remove = () => temporary.remove();
    earshot = await EarshotProcess.start({
      DATA_DIR: path.join(dir, 'data'),
      TOKEN_SECRET,
      DRAIN_MS: '60000',
    });
    token = await operatorToken(TOKEN_SECRET);
  });
  afterAll(async () => {
    await earshot.kill();
    await remove();
  });

  const run = (
    args: readonly string[],
    env: Record<string, string | undefined> = {},
  ): Promise<Ran> =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        ['dist/src/operator.js', ...args],
        {
          env: {
            PATH: process.env['PATH'] ?? '',
            EARSHOT_URL: earshot.url,
            OPERATOR_TOKEN: token,
            ...env,
          },
        },
        (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  const json = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await run([...args, '--json']);
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  it('shows nodes, and rooms of any visibility, to people and to programs', async () => {
    const ana = await WireClient.enter(earshot.url, await guestToken(earshot.url, 'Ana'));
    const made = await ana.ask('room.create', { name: 'Kitchen', visibility: 'private' });
    const nodes = await run(['nodes']);
    expect(nodes.stdout).toMatch(/^node +host +worker +release +up since +sockets +rooms +state\n/);
    expect(nodes.stdout).toMatch(/ 1 +1 +ready\n$/);
    const listed = (await json('nodes')) as { nodes: { id: string }[] };
    // The same id stands in each line of the log.
    expect(listed.nodes.map(({ id }) => id)).toEqual([earshot.lines[0]?.['node']]);
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect(listed.nodes).toMatchObject([{ host: hostname(), release: version }]);
    expect(earshot.lines.find(({ msg }) => msg === 'Earshot is listening')).toMatchObject({
      release: version,
    });
    const metrics = await (await fetch(`${earshot.url}/metrics`)).text();
    expect(metrics).toContain(`\nearshot_build_info{version="${version}"} 1\n`);
    const { rooms } = (await json('rooms')) as { rooms: { id: string }[] };
    expect(rooms).toMatchObject([
      { id: made?.['roomId'], name: 'Kitchen', visibility: 'private', hereCount: 1 },
    ]);

    const closed = await run(['close', String(made?.['roomId'])]);
    expect(closed).toMatchObject({ code: 0, stderr: '' });
    expect(await ana.push(({ type }) => type === 'room.left')).toMatchObject({ reason: 'closed' });
    expect((await run(['close', String(made?.['roomId'])])).stderr).toMatch(
      /^earshot-operator: \w+: .*\n$/,
    );
    ana.close();
  });

  it('shows who is in a room, by its id and its code, with the ids by which they are banned', async () => {
    const guest = await guestToken(earshot.url, 'Ana');
    const ana = await WireClient.enter(earshot.url, guest);
    const made = await ana.ask('room.create', { name: 'Attic', visibility: 'private' });
    const { code, members } = await json('room', String(made?.['roomId']));
    expect(members).toEqual([{ id: guest.user.id, name: 'Ana', role: 'host', isHere: true }]);
    const { stdout } = await run(['room', String(code)]);
    expect(stdout).toMatch(new RegExp(`\n${guest.user.id} +host +here +Ana\n$`));
    ana.close();
  });

  it('bans somebody, who is out at once, and lets them come again', async () => {
    const guest = await guestToken(earshot.url, 'Ben');
    const ben = await WireClient.enter(earshot.url, guest);
    const banned = await run(['ban', guest.user.id, '--reason', 'noise', '--until', '2099-01-01']);
    expect(banned).toMatchObject({ code: 0 });
    await ben.push(() => false);
    expect(ben.closed).toMatchObject({ code: 4504 });
    await expect(WireClient.enter(earshot.url, guest)).rejects.toThrow(/unauthorised/);
    const { stdout } = await run(['revocations']);
    expect(stdout).toMatch(new RegExp(`ban +${guest.user.id} +2099-01-01T00:00:00.000Z +noise`));
    expect(await run(['unban', guest.user.id])).toMatchObject({ code: 0 });
    const again = await WireClient.enter(earshot.url, guest);
    again.close();
    expect(await run(['unban', guest.user.id])).toMatchObject({
      code: 1,
      stderr: `earshot-operator: ${guest.user.id} is not banned\n`,
    });
  });

  it('takes back a token, and lifts what was revoked', async () => {
    const theirs = await signedToken(TOKEN_SECRET, { jti: 'stolen' }, { sub: userId(3) });
    const me = (): Promise<number> =>
      fetch(`${earshot.url}/v1/me`, { headers: { authorization: `Bearer ${theirs}` } }).then(
        ({ status }) => status,
      );
    expect(await me()).toBe(200);
    const { id } = await json('revoke', '--token-id', 'stolen', '--expires', '2099-01-01');
    expect(await me()).toBe(401);
    expect(await run(['lift', String(id)])).toMatchObject({ code: 0, stdout: 'lifted\n' });
    expect(await me()).toBe(200);
  });

  it('takes back all of a person’s, those of a login too whose clock is ahead by what is allowed', async () => {
    const madeIn = (seconds: number): Promise<string> => {
      const iat = Math.floor(Date.now() / 1_000) + seconds;
      return signedToken(TOKEN_SECRET, { iat }, { sub: userId(4) });
    };
    const statusOf = (theirs: string): Promise<number> =>
      fetch(`${earshot.url}/v1/me`, { headers: { authorization: `Bearer ${theirs}` } }).then(
        ({ status }) => status,
      );
    const [stolen, later] = [await madeIn(5), await madeIn(3_600)];
    expect([await statusOf(stolen), await statusOf(later)]).toEqual([200, 200]);
    await json('revoke', '--user', userId(4));
    expect([await statusOf(stolen), await statusOf(later)]).toEqual([401, 200]);
  });

  it('exports a person into a file that nobody else reads', async () => {
    const guest = await guestToken(earshot.url, 'Cleo');
    const out = path.join(dir, 'cleo.json');
    expect(await run(['export', guest.user.id, '--out', out])).toMatchObject({ code: 0 });
    expect(JSON.parse(await readFile(out, 'utf8'))).toMatchObject({
      format: 'earshot-export',
      profile: { name: 'Cleo' },
    });
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    expect((await run(['export', guest.user.id, '--out', out])).code).toBe(1);
    const printed = await run(['export', guest.user.id]);
    expect(JSON.parse(printed.stdout)).toMatchObject({ profile: { name: 'Cleo' } });
  });

  it('makes a token that the node takes, and needs none where the secret is', async () => {
    const made = await run(['token', '--user', 'Ana at night'], { TOKEN_SECRET });
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(await run(['nodes'], { OPERATOR_TOKEN: made.stdout.trim() })).toMatchObject({ code: 0 });
    const file = path.join(dir, 'token-secret');
    await writeFile(file, `${TOKEN_SECRET}\n`);
    // As in a node's container, of whose environment that is part.
    const within = { OPERATOR_TOKEN: '', TOKEN_SECRET_FILE: file, NODE_ENV: 'production' };
    expect(await run(['nodes'], within)).toMatchObject({ code: 0, stderr: '' });
    const { hostname: HOST, port: PORT } = new URL(earshot.url);
    const beside = await run(['nodes'], { ...within, HOST, PORT, EARSHOT_URL: undefined });
    expect(beside).toMatchObject({ code: 0, stderr: '' });
    // Empty values, as Compose passes on keys that nobody has set, count as none.
    const empty = { EARSHOT_URL: '', OPERATOR_TOKEN_FILE: '', TLS_CERT_FILE: ' ' };
    const still = await run(['nodes'], { ...within, HOST, PORT, ...empty });
    expect(still).toMatchObject({ code: 0, stderr: '' });
  });

  it('says in one line what is wrong, and never the token', async () => {
    const ofGuest = (await guestToken(earshot.url, 'Dora')).token;
    const file = path.join(dir, 'token');
    await writeFile(file, `${token}\n`);
    for (const [args, env, said] of [
      [['nodes'], { OPERATOR_TOKEN: '' }, /no token: set OPERATOR_TOKEN, or --token-file/],
      [['nodes'], { OPERATOR_TOKEN: ofGuest }, /forbidden: this is for operators/],
      [['nodes'], { OPERATOR_TOKEN: 'nonsense' }, /unauthorised: /],
      [
        ['nodes'],
        { EARSHOT_URL: 'http://127.0.0.1:2' },
        /http:\/\/127.0.0.1:2 cannot be reached: .*ECONNREFUSED/,
      ],
      [['drain', 'nobody'], {}, /not_found: no such node/],
      [['close', 'ABCD2345'], {}, /not_found: no such room/],
      [['revoke'], {}, /name --token-id or --user/],
      [['token'], {}, /no TOKEN_SECRET, nor TOKEN_SECRET_FILE: set the one/],
      [['token'], { TOKEN_SECRET: 'short' }, /TOKEN_SECRET: needs at least 32 characters/],
      [['token'], { TOKEN_SECRET_FILE: '/nowhere' }, /TOKEN_SECRET_FILE: \/nowhere cannot be read/],
      [['token', '--hours', '25'], { TOKEN_SECRET }, /option '--hours <n>' .* not from 1 to 24/],
      [['token', '--hours', '0'], { TOKEN_SECRET }, /option '--hours <n>' .* not from 1 to 24/],
      [['token', '--hours', '1.5'], { TOKEN_SECRET }, /option '--hours <n>' .* no whole number/],
      [['token', '--user', ' '], { TOKEN_SECRET }, /option '--user <name>' .* not be empty/],
    ] as const) {
      const { code, stdout, stderr } = await run(args, env);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(said);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(stderr).not.toContain(ofGuest);
    }
    expect(await run(['nodes', '--token-file', file], { OPERATOR_TOKEN: '' })).toMatchObject({
      code: 0,
    });
  });

  it('drains a node: its people are asked to leave, nobody comes, and it still answers', async () => {
    const ana = await WireClient.enter(earshot.url, await guestToken(earshot.url, 'Ana'));
    const node = String(earshot.lines[0]?.['node']);
    const ready = () => fetch(`${earshot.url}/readyz`);
    expect((await ready()).status).toBe(200);
    const draining = run(['drain', node, '--within', '30000', '--wait']);
    const asked = ana.push(({ type }) => type === 'hub.draining');
    // A command that fails says why: nobody would be asked.
    expect(await Promise.race([asked, draining])).toMatchObject({ reconnectWithinMs: 30_000 });
    const answer = await ready();
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { ready: false, reasons: ['draining'], away: [] },
    ]);
    await expect(WireClient.open(earshot.url)).rejects.toThrow(/503/);
    ana.close();
    expect(await draining).toMatchObject({
      code: 0,
      stdout: `${node} drains: 0 sockets are left\n`,
    });
    expect((await fetch(`${earshot.url}/healthz`)).status).toBe(200);
    expect((await run(['nodes'])).stdout).toContain('draining');
    // With nobody left, the end does not wait for the window.
    const from = performance.now();
    expect(await earshot.end('SIGTERM')).toBe(0);
    expect(performance.now() - from).toBeLessThan(30_000);
  });
});
