// What a hub counts of its rooms, as Prometheus would read it.
import { describe, expect, it } from 'vitest';
import { MemoryRoomLog } from '../../src/adapters/memory/memory-room-log.ts';
import { MemoryArchive } from '../../src/adapters/memory/memory-archive.ts';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { HubWorld } from '../support/hub-world.ts';
import { playingRoom } from '../support/listening-world.ts';

/** A log that may be away. */
class MoodyRoomLog extends MemoryRoomLog {
  isAway = false;

  override append(...args: Parameters<MemoryRoomLog['append']>) {
    return this.isAway ? Promise.reject(new StoreUnavailable('the log')) : super.append(...args);
  }
}

async function figuresOf(metrics: ReturnType<typeof createPromMetrics>) {
  const { body } = await metrics.exposition();
  return (line: string): number | undefined => {
    const found = body.split('\n').find((each) => each.startsWith(`${line} `));
    return found === undefined ? undefined : Number(found.slice(line.length + 1));
  };
}

describe('a hub’s figures', () => {
  it('tell how long appends take and how they end, and how far from the room its members are', async () => {
    const metrics = createPromMetrics();
    const roomLog = new MoodyRoomLog(new MemoryArchive());
    const world = new HubWorld({}, { metrics, roomLog });
    await world.hub.start();
    const ana = await world.connect(1);
    const roomId = await playingRoom(ana, ['track1', 'track2']);
    const before = (await figuresOf(metrics))(
      'earshot_append_duration_seconds_count{outcome="committed"}',
    );
    await ana.ask('playback.mode', { roomId, repeat: 'all' });
    roomLog.isAway = true;
    const refused = await ana.ask('playback.mode', { roomId, repeat: 'off' });
    expect(refused['code']).toBe('unavailable');
    roomLog.isAway = false;
    await world.time.advance(2_000);
    const sync = { roomId, maxErrorMs: 20, rttMs: 30, outputLatencyMs: 10 };
    await ana.ask('sync.report', { ...sync, errorMs: -12, state: 'following' });
    // Who has stepped out of the room says nothing of how well it is in step.
    await ana.ask('sync.report', { ...sync, errorMs: 400, state: 'detached' });

    const figure = await figuresOf(metrics);
    const committed = figure('earshot_append_duration_seconds_count{outcome="committed"}');
    expect(committed).toBeGreaterThan(before ?? 0);
    expect(figure('earshot_append_duration_seconds_count{outcome="failed"}')).toBe(1);
    expect(figure('earshot_append_failures_total')).toBe(1);
    expect(figure('earshot_rooms_repaired_total')).toBe(1);
    expect(figure('earshot_sync_error_seconds_count')).toBe(1);
    expect(figure('earshot_sync_error_seconds_sum')).toBeCloseTo(0.012);
    expect(figure('earshot_sync_error_seconds_bucket{le="0.01"}')).toBe(0);
    expect(figure('earshot_sync_error_seconds_bucket{le="0.015"}')).toBe(1);
    expect(figure('earshot_connections')).toBe(1);
  });

  it('say that it drains', async () => {
    const metrics = createPromMetrics();
    const world = new HubWorld({}, { metrics });
    expect((await figuresOf(metrics))('earshot_draining')).toBe(0);
    void world.hub.drain(1_000);
    expect((await figuresOf(metrics))('earshot_draining')).toBe(1);
  });
});
