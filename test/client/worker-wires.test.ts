// The socket in a worker: what differs from one in the page. That all else is the same is shown by suites-in-worker.test.ts.
import { afterEach, describe, expect, it } from 'vitest';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { MOST_UNTAKEN_CHARACTERS } from '../../src/client/worker-side.ts';
import { FakeHub, HUB_AHEAD_MS, failure } from './fake-hub.ts';
import { FakeWorker } from './fake-worker.ts';
import { ROOM_ID } from './room-fixture.ts';

const STALL_MS = 2_000;
/** Of a type that this client does not know: it is counted. */
const told = (text: string): object => ({ type: 'test.told', text });

function hubTimeError(hub: FakeHub, now: number | undefined): number {
  return Math.abs((now ?? NaN) - (hub.time.now() + HUB_AHEAD_MS));
}

afterEach(() => {
  FakeWorker.fate = 'runs';
  FakeWorker.originErrorMs = 0;
});

describe('a socket in a worker', () => {
  it('is there by default, and in the page by wish', async () => {
    const hub = new FakeHub('worker');
    const client = await hub.connected();
    expect(hub.peer.thread).toBe('worker');
    client.close();
    const other = await hub.connected({ clockIn: 'page' });
    expect(hub.peer.thread).toBe('page');
    expect(hub.workers).toHaveLength(1);
    other.close();
  });

  it.each([0, 0.3, -5_000, 3_600_000])(
    'gives hub time by the page’s clock, also where the platform’s claim is off by %f ms',
    async (originErrorMs) => {
      FakeWorker.originErrorMs = originErrorMs;
      const hub = new FakeHub('worker');
      const client = await hub.connected();
      await hub.time.advance(20_000);
      const { maxErrorMs, quality } = client.clock.status.value;
      expect(quality).toBe('good');
      expect(hubTimeError(hub, client.clock.now())).toBeLessThanOrEqual(maxErrorMs);
      expect(maxErrorMs).toBeLessThan(1);
      const at = hub.time.now() + HUB_AHEAD_MS + 500;
      expect(client.clock.toLocal(at)! - hub.time.now()).toBeCloseTo(500, 0);
      client.close();
    },
  );

  it('goes on probing while the page stands still, with stamps that know nothing of it', async () => {
    const hub = new FakeHub('worker');
    const client = await hub.connected();
    await hub.time.advance(10_000);
    const before = client.clock.status.value;
    const sent = hub.peer.probes.length;
    hub.worker.hold();
    client.clock.wake();
    await hub.time.advance(STALL_MS);
    expect(hub.peer.probes.length).toBeGreaterThan(sent + 2);
    expect(client.clock.status.value).toBe(before);
    hub.worker.release();
    const after = client.clock.status.value;
    expect(after).not.toBe(before);
    expect(after.rttMinMs).toBeLessThan(1);
    expect(after.resets).toBe(before.resets);
    expect(hubTimeError(hub, client.clock.now())).toBeLessThanOrEqual(after.maxErrorMs);
    client.close();
  });

  it('tells of a sleep that the worker notices', async () => {
    const hub = new FakeHub('worker');
    const client = await hub.connected();
    await hub.time.advance(10_000);
    hub.answersProbes = false;
    hub.sleptMs += 60_000;
    await hub.time.advance(1_100);
    hub.answersProbes = true;
    await hub.time.advance(5_000);
    expect(client.clock.status.value.quality).toBe('good');
    client.close();
  });

  it('keeps the order of what comes, and its end comes last', async () => {
    const hub = new FakeHub('worker');
    const client = await hub.connected();
    const phases: string[] = [];
    client.connection.subscribe(({ phase }) =>
      phases.push(`${phase} ${client.counts.unknownFrames}`),
    );
    hub.worker.hold();
    for (let n = 0; n < 100; n += 1) hub.peer.text(told(String(n)));
    hub.peer.close(1006);
    const texts = hub.worker.held.filter(({ kind }) => kind === 'text');
    expect(
      texts.map((message) =>
        message.kind === 'text' ? (JSON.parse(message.text) as unknown) : undefined,
      ),
    ).toEqual(Array.from({ length: 100 }, (_, n) => told(String(n))));
    expect(phases).toEqual([]);
    hub.worker.release();
    // Each was counted before the end was told.
    expect(phases).toEqual(['waiting 100']);
    client.close();
  });

  it('hears nothing more of a socket that it let go of', async () => {
    const hub = new FakeHub('worker');
    const client = await hub.connected();
    const old = hub.peer;
    hub.worker.hold();
    old.text(told('late'));
    old.close(1006);
    hub.worker.release();
    await hub.time.advance(1_000);
    hub.peer.greet();
    const before = client.counts;
    old.text(told('later'));
    old.binary(new Uint8Array(32));
    expect(client.counts).toEqual(before);
    expect(client.connection.value.phase).toBe('connected');
    client.close();
  });

  it('tells the hub that it goes, ends the worker, and starts another one for another life', async () => {
    const hub = new FakeHub('worker');
    const client = await hub.connected();
    const [first] = hub.workers;
    client.close();
    expect(hub.peer.isClosedByClient).toBe(true);
    expect(first!.isClosed).toBe(true);
    const again = client.connect();
    await hub.time.settle();
    hub.peer.greet();
    await again;
    expect(hub.workers).toHaveLength(2);
    expect(hub.peer.thread).toBe('worker');
    await hub.time.advance(10_000);
    expect(hubTimeError(hub, client.clock.now())).toBeLessThan(1);
    client.close();
  });

  it('sends at most six probes a minute while it is hidden', async () => {
    const hub = new FakeHub('worker');
    const client = await hub.connected();
    await hub.time.advance(60_000);
    hub.hide(true);
    await hub.time.advance(60_000);
    const before = hub.peer.probes.length;
    await hub.time.advance(60_000);
    expect(hub.peer.probes.length - before).toBeLessThanOrEqual(6);
    expect(hub.peer.probes.length - before).toBeGreaterThanOrEqual(3);
    client.close();
  });

  it('is given up when the page takes nothing, and comes back', async () => {
    const hub = new FakeHub('worker');
    const client = await hub.connected();
    const big = { ...told('x'.repeat(1_024 * 1_024)) };
    // What is taken is not counted.
    for (let n = 0; n < 20; n += 1) hub.peer.text(big);
    expect(hub.peer.isClosedByClient).toBe(false);
    hub.worker.hold();
    for (let n = 0; n * 1_024 * 1_024 <= MOST_UNTAKEN_CHARACTERS; n += 1) hub.peer.text(big);
    expect(hub.peer.isClosedByClient).toBe(true);
    expect(hub.worker.held.at(-1)).toMatchObject({ kind: 'ended', code: CLOSE_CODES.too_slow });
    hub.worker.release();
    expect(client.connection.value).toMatchObject({ phase: 'waiting', cause: 'too_slow' });
    await hub.time.advance(1_000);
    hub.peer.greet();
    expect(client.connection.value.phase).toBe('connected');
    client.close();
  });
});

describe('where no worker starts', () => {
  it.each(['throws', 'errs', 'is silent'] as const)(
    'the page has the socket, and nothing is lost (the worker %s)',
    async (fate) => {
      FakeWorker.fate = fate;
      const hub = new FakeHub('worker');
      const client = hub.client();
      const connected = client.connect();
      const sent = client.request('queue.add', { roomId: ROOM_ID, trackIds: ['t1'] as never });
      await hub.time.advance(5_000);
      expect(hub.peers).toHaveLength(1);
      expect(hub.peer.thread).toBe('page');
      hub.peer.greet();
      await connected;
      hub.peer.ok(hub.peer.take('queue.add'), { entryIds: [] });
      await sent;
      await hub.time.advance(10_000);
      expect(client.clock.status.value.quality).toBe('good');
      hub.peer.close(1006);
      await hub.time.advance(1_000);
      hub.peer.greet();
      expect(hub.peer.thread).toBe('page');
      client.close();
      expect(hub.time.waiting).toBe(0);
      expect(hub.workers.every(({ isTerminated }) => isTerminated)).toBe(true);
    },
  );

  it('the page is told where no socket can be made of the address', async () => {
    FakeWorker.fate = 'errs';
    const hub = new FakeHub('worker');
    hub.socketError = new SyntaxError('no address');
    const client = hub.client();
    const error = await failure(client.connect());
    expect(error.message).toBe('no address');
    expect(client.connection.value).toMatchObject({ phase: 'closed', cause: 'no_socket' });
  });

  it('the worker tells where no socket can be made of the address', async () => {
    const hub = new FakeHub('worker');
    hub.socketError = new SyntaxError('no address');
    const client = hub.client();
    const error = await failure(client.connect());
    expect(error.message).toBe('no address');
    expect(client.connection.value).toMatchObject({ phase: 'closed', cause: 'no_socket' });
    expect(hub.time.waiting).toBe(0);
  });

  it('a client that is closed while it starts leaves nothing behind', async () => {
    FakeWorker.fate = 'is silent';
    const hub = new FakeHub('worker');
    const client = hub.client();
    const refused = failure(client.connect());
    await hub.time.advance(1_000);
    client.close();
    expect((await refused).code).toBe('closed');
    expect(hub.worker.isTerminated).toBe(true);
    await hub.time.advance(60_000);
    expect(hub.peers).toHaveLength(0);
    expect(hub.time.waiting).toBe(0);
  });
});

describe('a worker that breaks', () => {
  it('takes its socket with it, and the page goes on with one of its own', async () => {
    const hub = new FakeHub('worker');
    const client = await hub.connected();
    await hub.time.advance(10_000);
    const sent = client.request('queue.add', { roomId: ROOM_ID, trackIds: ['t1'] as never });
    hub.worker.breaks();
    expect(client.connection.value).toMatchObject({ phase: 'waiting', cause: 'network' });
    expect(hub.worker.isTerminated).toBe(true);
    await hub.time.advance(1_000);
    expect(hub.peer.thread).toBe('page');
    hub.peer.greet();
    hub.peer.ok(hub.peer.take('queue.add'), { entryIds: [] });
    await sent;
    await hub.time.advance(5_000);
    const { quality, resets } = client.clock.status.value;
    expect({ quality, resets }).toEqual({ quality: 'good', resets: 0 });
    expect(hubTimeError(hub, client.clock.now())).toBeLessThan(1);
    client.close();
  });

  it('without a word is found out, and left', async () => {
    const hub = new FakeHub('worker');
    const client = await hub.connected();
    hub.worker.isDead = true;
    hub.peer.isSilenced = true;
    // The heartbeats fail, the next connection is not greeted, and the one after that is the page's.
    await hub.time.advance(120_000);
    expect(hub.peer.thread).toBe('page');
    hub.peer.greet();
    expect(client.connection.value.phase).toBe('connected');
    client.close();
  });
});
