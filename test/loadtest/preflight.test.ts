// What is refused before anybody is sent anywhere, in words; and how far a search can go on this machine.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { mostLoadFor, seatCount } from '../../loadtest/placement.ts';
import { limitsMet, placesHere, refusalsOf, tryOut, type Asked } from '../../loadtest/preflight.ts';
import { readScenario } from '../../loadtest/scenario/read-scenario.ts';

/** Above what Linux gives. */
const NOBODY = 2 ** 22 + 1;

async function refusals(name: string, changes: Partial<Asked> = {}): Promise<string> {
  const scenario = await readScenario(name, {});
  const none = { hubPids: [], drainPids: [], findLimit: undefined };
  return refusalsOf({ scenario, ...none, ...changes }).join('\n');
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('what is asked for', () => {
  it('names processes that are there', async () => {
    expect(await refusals('party', { hubPids: [process.pid] })).toBe('');
    expect(await refusals('party', { hubPids: [NOBODY] })).toBe(
      `--hub-pid: there is no process ${NOBODY}`,
    );
    expect(await refusals('drain', { drainPids: [process.pid] })).toBe('');
    expect(await refusals('drain', { drainPids: [process.pid, NOBODY] })).toBe(
      `--drain: there is no process ${NOBODY}`,
    );
  });

  it('names no process that may not be told', async () => {
    vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('no'), { code: 'EPERM' });
    });
    expect(await refusals('drain', { drainPids: [1] })).toContain('may not be told by this user');
    expect(await refusals('party', { hubPids: [1] })).toBe('');
  });

  it('names whom to drain', async () => {
    expect(await refusals('drain')).toContain('name their processes with --drain');
  });

  it('is a search only where there is something to break, again and again', async () => {
    const findLimit = {};
    expect(await refusals('storm', { findLimit })).toBe('');
    expect(await refusals('drain', { findLimit, drainPids: [process.pid] })).toContain(
      'drains hubs, which it can do once only',
    );
    const scenario = await readScenario('party', { noThresholds: true });
    expect(await refusals('party', { findLimit, scenario })).toContain(
      'has no thresholds that are judged',
    );
    expect(await refusals('party', { scenario })).toBe('');
  });
});

describe('a search on this machine', () => {
  it('ends at the load that it holds', async () => {
    const scenario = await readScenario('party', {});
    // 500 people at load 1.
    expect(mostLoadFor(scenario, 64, 100_000)).toBe(64);
    expect(mostLoadFor(scenario, 64, 28_000)).toBe(56);
    for (const places of [1_234, 777, 3]) {
      const most = mostLoadFor(scenario, 64, places);
      expect(seatCount(scenario, most, most)).toBeLessThanOrEqual(places);
      expect(seatCount(scenario, 64, most + 0.02)).toBeGreaterThan(places);
    }
    expect(mostLoadFor(scenario, 64, 0)).toBeLessThanOrEqual(0);
    // Where the acts grow, the people do not.
    const acts = await readScenario('party', {});
    const groups = acts.groups.map((group) => ({ ...group, grows: 'acts' }) as typeof group);
    expect(mostLoadFor({ ...acts, groups }, 64, 500)).toBe(64);
  });

  it.runIf(process.platform === 'linux')('holds what its limits allow, and not one more', () => {
    const with1 = { targets: 1, sourceAddresses: 0 };
    const places = placesHere(with1);
    expect(limitsMet({ sockets: places, ...with1 })).toEqual([]);
    expect(limitsMet({ sockets: places + 1, ...with1 })).not.toEqual([]);
  });
});

describe('the trial of a hub', () => {
  it('is made from the address that listeners will come from', async () => {
    const from: (string | undefined)[] = [];
    const server = createServer((socket) => {
      from.push(socket.remoteAddress);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const target = {
      ...{ host: '127.0.0.1', port, isSecure: false, pathPrefix: '' },
      authority: `127.0.0.1:${port}`,
    };
    await expect(tryOut(target, 'x', '127.0.0.1')).rejects.toThrow(
      /asked from 127\.0\.0\.1, does not take a listener/,
    );
    expect(from).toEqual(['127.0.0.1']);
    // One that no machine has.
    await expect(tryOut(target, 'x', '192.0.2.1')).rejects.toThrow(/192\.0\.2\.1.*EADDRNOTAVAIL/);
    server.close();
  });
});
