// A whole life of a process in which secrets go in and out, at the level that says most: none of them is in what it writes.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { OtlpCollector, attributesOf } from '../support/otlp-collector.ts';
import { operatorToken, signedToken } from '../support/signed-token.ts';
import { WireClient, guestToken } from '../support/wire-client.ts';

const TOKEN_SECRET = 'Zk3vQ9rT1xW7yB5nM8cL2pH6jD4gF0sA';
const HEADER_SECRET = 'collector-pass-4711';

describe('what a process writes', () => {
  let collector: OtlpCollector;
  let earshot: EarshotProcess;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    collector = await OtlpCollector.start();
    const temporary = await temporaryDir();
    remove = () => temporary.remove();
    earshot = await EarshotProcess.start({
      DATA_DIR: path.join(temporary.dir, 'data'),
      TOKEN_SECRET,
      LOG_LEVEL: 'debug',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Basic%20${HEADER_SECRET}`,
      TRACE_RATIO: '1',
      MAX_CONNECTIONS_PER_USER: '2',
    });
  });
  afterAll(async () => {
    await earshot.kill();
    await collector.stop();
    await remove();
  });

  it('has no token, signature, invite, link or secret in it, whatever is asked and refused', async () => {
    const { url } = earshot;
    const secrets = new Set([TOKEN_SECRET, HEADER_SECRET]);
    const rest = async (
      target: string,
      token: string,
      init: RequestInit = {},
    ): Promise<Record<string, unknown>> => {
      secrets.add(token);
      const response = await fetch(url + target, {
        ...init,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      });
      return (await response.json().catch(() => ({}))) as Record<string, unknown>;
    };
    const [ana, ben] = [await guestToken(url, 'Ana'), await guestToken(url, 'Ben')];
    for (const { token } of [ana, ben]) secrets.add(token);

    // The ways in of a private room.
    const host = await WireClient.enter(url, ana);
    const made = await host.ask('room.create', { name: 'Kitchen', visibility: 'private' });
    const roomId = String(made?.['roomId']);
    await expect
      .poll(async () => (await host.ask('room.invite', { roomId }))?.['invite'])
      .toEqual(expect.any(String));
    const invite = String((await host.ask('room.invite', { roomId }))?.['invite']);
    secrets.add(invite);
    const guest = await WireClient.enter(url, ben);
    const wrong = 'wrong-invite-9x';
    secrets.add(wrong);
    expect(await guest.ask('room.join', { roomId, invite: wrong })).toMatchObject({
      type: 'error',
    });
    expect(await guest.ask('room.join', { roomId, invite })).toMatchObject({ type: 'ok' });
    await fetch(`${url}/r/ABCD2345?invite=${invite}`);

    // Media by signatures that are good, altered and lacking.
    const tracks = (await rest('/v1/tracks', ana.token)) as unknown as {
      readonly tracks: readonly { readonly id: string }[];
    };
    const trackId = tracks.tracks[0]?.id ?? '';
    const media = String((await rest(`/v1/tracks/${trackId}`, ana.token))['mediaUrl']);
    const signature = new URL(media, url).searchParams.get('signature') ?? '';
    expect(signature).toHaveLength(43);
    secrets.add(signature);
    await (await fetch(new URL(media, url))).arrayBuffer();
    await fetch(new URL(media.replace(/expires=\d+/, 'expires=1'), url));

    // A device's secret, and the link to another one.
    const asked = await fetch(`${url}/v1/guests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Cleo', device: 'A phone' }),
    });
    const cleo = (await asked.json()) as { token: string; device: { secret: string } };
    const link = await rest('/v1/me/link', cleo.token, { method: 'POST' });
    const code = String(link['code']);
    expect([cleo.device.secret.length, code.length].every((length) => length > 7)).toBe(true);
    for (const kept of [cleo.device.secret, code]) secrets.add(kept);
    for (const deviceSecret of [cleo.device.secret, `${cleo.device.secret}x`]) {
      secrets.add(deviceSecret);
      await rest('/v1/tokens', cleo.token, {
        method: 'POST',
        body: JSON.stringify({ deviceSecret }),
      });
    }
    await fetch(`${url}/link/${code}`);
    for (const used of ['first', 'again'])
      await fetch(`${url}/v1/links/${code}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ label: used }),
      });

    // Tokens that are refused, for each of the reasons.
    const bad = [
      await signedToken('another secret of the right length!!'),
      await signedToken(TOKEN_SECRET, {}, { expires: '1s ago' }),
      'nonsense-token-77',
    ];
    for (const token of bad) {
      await rest('/v1/me', token);
      const client = await WireClient.open(url);
      await client.ask('hello', { token, client: { name: 'test', version: '1' } });
      client.close();
    }
    const operator = await operatorToken(TOKEN_SECRET);
    const revoked = { userId: ben.user.id, ban: true };
    await rest('/v1/operator/revocations', operator, {
      method: 'POST',
      body: JSON.stringify(revoked),
    });
    await guest.push(() => false);
    await rest('/v1/operator/revocations', operator, { method: 'POST', body: '{"x": ' });
    host.close();
    // Its last lines are those of its end.
    await earshot.end('SIGTERM');

    expect(earshot.lines.length).toBeGreaterThan(2);
    const written = earshot.lines.map((line) => JSON.stringify(line)).join('\n');
    expect(secrets.size).toBeGreaterThan(10);
    for (const secret of secrets) expect(written).not.toContain(secret);
    for (const line of earshot.lines) expect(line['node']).toBe(earshot.lines[0]?.['node']);
  });

  it('nor in what it tells the collector, which is what OTLP says', () => {
    expect(collector.faults).toEqual([]);
    expect(collector.headers[0]?.['authorization']).toBe(`Basic ${HEADER_SECRET}`);
    expect(collector.resources[0]).toEqual({
      'service.name': 'earshot',
      'service.instance.id': earshot.lines[0]?.['node'],
    });
    const invited = collector.spans.find(({ name }) => name === 'room.invite');
    const trace = collector.trace(invited?.traceId ?? '');
    expect([...trace.keys()].sort()).toEqual(
      expect.arrayContaining(['append', 'decide', 'fan-out', 'room.invite']),
    );
    for (const [name, span] of trace)
      expect(span.parentSpanId).toBe(name === 'room.invite' ? undefined : invited?.spanId);
    const told = collector.spans.map((span) => JSON.stringify(attributesOf(span))).join('\n');
    expect(told).not.toMatch(/invite-9x|eyJ/);
  });
});
