// Which output sounds, by what a browser tells, and what is remembered of it.
import { describe, expect, it } from 'vitest';
import { OutputDevices, type DeviceSigns } from '../../src/client/output-devices.ts';
import { OutputLatency } from '../../src/client/output-latency.ts';
import { forgetfulMemory } from './player-fakes.ts';
import { unlocked } from './player-unlocked.ts';

const signs = (parts: Partial<DeviceSigns>): DeviceSigns => ({
  sinkId: '',
  label: undefined,
  channels: 2,
  latencyMs: undefined,
  ...parts,
});

describe('OutputLatency', () => {
  const told = (...readings: (number | undefined)[]): OutputLatency => {
    const latency = new OutputLatency();
    for (const ms of readings) latency.add(ms === undefined ? undefined : ms / 1_000);
    return latency;
  };

  it('does not believe nonsense, nor what is not told', () => {
    expect(told(undefined, 0, NaN, -20, 3_000, Infinity).ms).toBeUndefined();
    expect(told(40, 3_000, 0, undefined).ms).toBe(40);
  });

  it('averages what a device says, and is not moved by one reading that is far off', () => {
    const swinging = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 40 : 50));
    expect(told(...swinging).ms).toBeCloseTo(45, 0);
    expect(told(40, 40, 180, 40).ms).toBe(40);
  });

  it('takes several that agree for another device, and is not settled on it at once', () => {
    const before = Array.from({ length: 20 }, () => 40);
    expect(told(...before).settled).toBe(true);
    const moved = told(...before, 180, 182, 181, 180);
    expect(moved.ms).toBe(180);
    expect(moved.settled).toBe(false);
  });
});

describe('OutputDevices', () => {
  it('tells a near path from a far one, and does not flap between', () => {
    const devices = new OutputDevices();
    devices.observe(signs({ latencyMs: 40 }));
    devices.setNudge(10);
    for (const latencyMs of [60, 80, 95, 75, 85]) {
      expect(devices.observe(signs({ latencyMs }))).toBe(false);
    }
    expect(devices.observe(signs({ latencyMs: 180 }))).toBe(true);
    expect(devices.current).toMatchObject({ nudgeMs: 0, changes: 1 });
    devices.setNudge(90);
    for (const latencyMs of [95, 85, 75]) devices.observe(signs({ latencyMs }));
    expect(devices.current).toMatchObject({ nudgeMs: 90, changes: 1 });
    devices.observe(signs({ latencyMs: 30 }));
    expect(devices.current).toMatchObject({ nudgeMs: 10, changes: 2 });
  });

  it('knows a device by its name where it is told, else by the sink that was chosen', () => {
    const devices = new OutputDevices();
    devices.observe(signs({ label: 'Headphones' }));
    devices.setNudge(25);
    devices.observe(signs({ label: 'Television' }));
    devices.setNudge(140);
    devices.observe(signs({ label: 'Headphones' }));
    expect(devices.current).toMatchObject({ label: 'Headphones', nudgeMs: 25, changes: 2 });
    devices.observe(signs({ label: 'Headphones', sinkId: 'abc' }));
    expect(devices.current.nudgeMs).toBe(0);
  });

  it('takes the first device that it can tell for no change, however late that is', () => {
    const memory = forgetfulMemory();
    memory.remember('path:2:far', { nudgeMs: 120 });
    const devices = new OutputDevices(memory);
    expect(devices.observe(signs({}))).toBe(false);
    expect(devices.observe(signs({ latencyMs: 220 }))).toBe(true);
    expect(devices.current).toMatchObject({ nudgeMs: 120, changes: 0 });
  });

  it('remembers nudge and latency for the next visit, and writes no more often than they change', () => {
    const memory = forgetfulMemory();
    const first = new OutputDevices(memory);
    for (let i = 0; i < 50; i += 1) first.observe(signs({ latencyMs: 40 + (i % 3) }));
    first.setNudge(-15);
    expect(memory.writes).toBe(2);
    const later = new OutputDevices(memory);
    later.observe(signs({ latencyMs: 41 }));
    expect(later.current).toMatchObject({ nudgeMs: -15, latencyMs: 40, changes: 0 });
  });
});

describe('Player, on another output', () => {
  it('goes to the nudge of the device that sounds now, and back with it', async () => {
    const { world, player } = await unlocked();
    const at = world.hubNow;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(4_000);
    player.setNudge(30);
    await world.pass(3_000);
    const errorMs = (): number => (world.heard()[0]?.positionMs ?? NaN) - (world.hubNow - at);
    expect(errorMs()).toBeCloseTo(30, 0);
    world.context.outputLatency = 0.19;
    await world.pass(8_000);
    expect(player.state.value.device).toMatchObject({ nudgeMs: 0, changes: 1 });
    expect(Math.abs(errorMs())).toBeLessThan(1.5);
    world.context.outputLatency = 0.05;
    await world.pass(8_000);
    expect(player.state.value.device).toMatchObject({ nudgeMs: 30, changes: 2 });
    expect(errorMs()).toBeCloseTo(30, -0.5);
  });

  it('plans by what it learned of a device that says nothing any more', async () => {
    const memory = forgetfulMemory();
    memory.remember('path:2:near', { nudgeMs: 0, latencyMs: 50 });
    const { world, player } = await unlocked(
      (w) => {
        delete w.context.getOutputTimestamp;
        w.context.toldLatency = 0;
      },
      { devices: memory },
    );
    const at = world.hubNow + 600;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(3_000);
    expect(player.state.value.outputLatencyMs).toBe(50);
    const [heard] = world.heard();
    expect(Math.abs((heard?.positionMs ?? NaN) - (world.hubNow - at))).toBeLessThan(1);
  });
});
