// The lead of a start from what members report, and how it meets the gate (PB4, PB6).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leadNeeded, leadWithin, type MemberDelays } from '../../src/domain/lead.ts';
import { ANA, LEAD_MS, friends } from './support/room-scenario.ts';

const BOUNDS = { minLeadMs: 150, maxLeadMs: 2_000 };
const GATE_MS = 1_500;
const member = (rttMs: number, outputLatencyMs = 20): MemberDelays => ({ rttMs, outputLatencyMs });
const leadOf = (members: readonly MemberDelays[], gateMs = GATE_MS): number =>
  leadWithin(leadNeeded(members), BOUNDS, gateMs);

describe('the lead', () => {
  it('is the least where nobody has reported, and where all are near', () => {
    expect(leadOf([])).toBe(150);
    expect(leadOf([member(1), member(4)])).toBe(150);
  });

  it('grows with half of the slowest round trip and all of its output latency', () => {
    const far = leadOf([member(2), member(300, 90)]);
    expect(leadOf([member(2), member(340, 90)]) - far).toBe(20);
    expect(leadOf([member(2), member(300, 110)]) - far).toBe(20);
    expect(far).toBeGreaterThan(300 / 2 + 90);
  });

  it('counts each member of a small room, and leaves out the slowest tenth of a crowd', () => {
    const crowd = (size: number, slow: number): MemberDelays[] => [
      ...Array.from({ length: size - slow }, () => member(20)),
      ...Array.from({ length: slow }, () => member(1_000)),
    ];
    expect(leadOf(crowd(9, 1))).toBeGreaterThan(500);
    expect(leadOf(crowd(10, 1))).toBe(150);
    expect(leadOf(crowd(10, 2))).toBeGreaterThan(500);
    expect(leadOf(crowd(200, 20))).toBe(150);
    expect(leadOf(crowd(200, 21))).toBeGreaterThan(500);
  });

  it('never makes the others wait longer than the gate may, whatever link somebody is on', () => {
    expect(leadOf([member(1), member(600_000)])).toBe(GATE_MS);
    expect(leadOf([member(1), member(600_000)], 10_000)).toBe(2_000);
    expect(leadOf([member(1), member(600_000)], 50)).toBe(150);
    expect(leadOf([member(1), member(600_000)], 0), 'a room without a gate').toBe(2_000);
  });

  it('is whole, within its bounds, and no shorter for a slower member, for any reports', () => {
    const delays = fc.record({
      rttMs: fc.double({ min: 0, max: 600_000, noNaN: true }),
      outputLatencyMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(delays, { maxLength: 30 }), fc.nat(10_000), (members, gateMs) => {
        const lead = leadOf(members, gateMs);
        expect(Number.isInteger(lead)).toBe(true);
        expect(lead).toBeGreaterThanOrEqual(BOUNDS.minLeadMs);
        expect(lead).toBeLessThanOrEqual(BOUNDS.maxLeadMs);
        if (gateMs >= BOUNDS.minLeadMs) expect(lead).toBeLessThanOrEqual(gateMs);
        const slower = members.map(({ rttMs, outputLatencyMs }) => ({
          rttMs: rttMs + 10,
          outputLatencyMs,
        }));
        expect(leadOf(slower, gateMs)).toBeGreaterThanOrEqual(lead);
      }),
    );
  });
});

describe('a cold start', () => {
  const cold = (leadMs: number, ready = 0) => {
    const scenario = friends('a b');
    scenario.leadMs = leadMs;
    scenario.ready = ready;
    scenario.do({ type: 'Play' }, ANA);
    return scenario;
  };

  it('waits to the deadline, and not beyond it, for one who never gets ready', () => {
    const scenario = cold(LEAD_MS);
    expect(scenario.timeline[1]).toBe(`playing a 0 @${GATE_MS}`);
    expect(scenario.wait(GATE_MS + 200).now).toBe('playing a 200');
  });

  it('needs no gate where the lead is as long as the gate: it starts at the same moment', () => {
    expect(cold(GATE_MS).timeline[1]).toBe(`playing a 0 @${GATE_MS}`);
  });

  it('keeps the lead after the gate opens: who was ready last hears of it in time', () => {
    const scenario = cold(400);
    scenario.wait(600);
    scenario.ready = 2;
    scenario.do({ type: 'OpenGate', entryId: scenario.id('a') });
    expect(scenario.timeline.at(-2)).toBe('playing a 0 @400');
    expect(scenario.wait(400).now).toBe('playing a 0');
  });

  it('is left at its deadline by a gate that opens less than a lead before it', () => {
    const scenario = cold(400);
    scenario.wait(1_200);
    scenario.ready = 2;
    expect(scenario.do({ type: 'OpenGate', entryId: scenario.id('a') })).toEqual([]);
    expect(scenario.wait(300).now).toBe('playing a 0');
  });
});
