// Traces on their way to a collector, which is a real server here: what is sent, what is tried again, what is dropped and counted.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OtlpTracer, type OtlpTracerOptions } from '../../src/adapters/system/otlp-tracer.ts';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import { freePort } from '../support/free-port.ts';
import { logRecorder, type Line } from '../support/log-recorder.ts';
import { ManualTime } from '../support/manual-time.ts';
import { OtlpCollector, attributesOf } from '../support/otlp-collector.ts';

const START_MS = 1_800_000_000_000.25;

describe('an exporter of traces', () => {
  let collector: OtlpCollector;
  let time: ManualTime;
  let metrics: ReturnType<typeof createPromMetrics>;
  let lines: Line[];
  const tracers: OtlpTracer[] = [];
  beforeEach(async () => {
    collector = await OtlpCollector.start();
    time = new ManualTime(START_MS);
    metrics = createPromMetrics();
    lines = [];
  });
  afterEach(async () => {
    for (const tracer of tracers.splice(0)) await tracer.stop();
    await collector.stop();
  });

  function tracerWith(options: Partial<OtlpTracerOptions> = {}): OtlpTracer {
    const tracer = new OtlpTracer({
      url: `${collector.url}/v1/traces`,
      headers: {},
      ratio: 1,
      resource: { 'service.name': 'earshot', 'service.instance.id': 'n1' },
      timers: time,
      metrics,
      log: logRecorder(lines),
      random: () => 0.5,
      now: () => time.now(),
      ...options,
    });
    tracers.push(tracer);
    return tracer;
  }

  const makeSpans = (tracer: OtlpTracer, count: number): void => {
    for (let n = 0; n < count; n += 1) tracer.begin('a request', {})?.end();
  };
  const figure = async (name: string): Promise<number> => {
    const { body } = await metrics.exposition();
    return Number(new RegExp(`^earshot_trace_${name}_total (\\d+)$`, 'm').exec(body)?.[1]);
  };
  /** The timer fires, and what it began over the network is done. */
  const exported = async (requests: number): Promise<void> => {
    await time.advance(2_000);
    await expect.poll(() => collector.requests).toBe(requests);
  };

  it('sends what OTLP says: a trace with its parts, their times and what is said of them', async () => {
    const tracer = tracerWith({ headers: { authorization: 'Basic abc' } });
    const request = tracer.begin('playback.seek', {
      'earshot.room.id': 'r1',
      n: 3,
      x: 0.5,
      y: true,
    });
    await time.advance(1);
    const decide = request?.child('decide');
    await time.advance(2);
    decide?.end({ 'earshot.command': 'Seek' });
    request?.end({}, 'stale');
    await exported(1);
    expect(collector.faults).toEqual([]);
    expect(collector.headers[0]?.['authorization']).toBe('Basic abc');
    expect(collector.resources).toEqual([
      { 'service.name': 'earshot', 'service.instance.id': 'n1' },
    ]);
    const [part, whole] = collector.spans;
    expect(part).toMatchObject({
      name: 'decide',
      kind: 1,
      traceId: whole?.traceId,
      parentSpanId: whole?.spanId,
      startTimeUnixNano: '1800000000001250048',
      status: {},
    });
    expect(whole).toMatchObject({
      name: 'playback.seek',
      kind: 2,
      status: { code: 2, message: 'stale' },
    });
    expect(whole?.parentSpanId).toBeUndefined();
    expect(attributesOf(whole ?? { attributes: [] })).toEqual({
      'earshot.room.id': 'r1',
      n: '3',
      x: 0.5,
      y: true,
    });
  });

  it('makes the part of all traces that it was told to, and nothing of the others', async () => {
    let next = 0;
    const tracer = tracerWith({ ratio: 0.25, random: () => (next += 0.01) % 1 });
    let made = 0;
    for (let n = 0; n < 400; n += 1) {
      const span = tracer.begin('a request', {});
      if (span !== undefined) made += 1;
      span?.end();
    }
    expect(made).toBeGreaterThan(90);
    expect(made).toBeLessThan(110);
    await exported(1);
    expect(collector.spans).toHaveLength(made);
  });

  it('tries again what a collector that is away did not take, and says so once', async () => {
    collector.status = 503;
    const tracer = tracerWith();
    makeSpans(tracer, 3);
    await exported(1);
    // The collector has counted it before the tracer knows of it.
    await expect.poll(() => figure('export_failures')).toBe(1);
    await exported(2);
    await expect.poll(() => figure('export_failures')).toBe(2);
    collector.status = 200;
    await exported(3);
    await expect.poll(() => figure('spans_exported')).toBe(3);
    expect(await figure('spans_dropped')).toBe(0);
    expect(lines.map(({ message }) => message)).toEqual([
      'the collector takes no traces',
      'the collector takes traces again',
    ]);
  });

  it('drops what a collector refuses, and counts it', async () => {
    const tracer = tracerWith();
    collector.status = 400;
    makeSpans(tracer, 3);
    await exported(1);
    await expect.poll(() => figure('spans_dropped')).toBe(3);
    collector.status = 200;
    collector.rejects = 2;
    makeSpans(tracer, 5);
    await exported(2);
    await expect.poll(() => figure('spans_exported')).toBe(3);
    expect(await figure('spans_dropped')).toBe(5);
  });

  it('keeps no more than it may for one that does not answer: the newest are dropped, and counted', async () => {
    collector.status = 503;
    const tracer = tracerWith();
    makeSpans(tracer, 1);
    await exported(1);
    await expect.poll(() => figure('export_failures')).toBe(1);
    makeSpans(tracer, 10_000);
    const dropped = await figure('spans_dropped');
    expect(dropped).toBe(10_001 - 8_192);
    collector.status = 200;
    await time.advance(2_000);
    await expect.poll(() => collector.spans.length).toBe(8_192);
    expect(collector.faults).toEqual([]);
  });

  it('sends what is left when it stops, and does not wait for ever for nobody', async () => {
    const tracer = tracerWith();
    makeSpans(tracer, 2);
    await tracer.stop();
    expect(collector.spans).toHaveLength(2);
    const lost = tracerWith({ url: 'http://127.0.0.1:9/v1/traces', metrics: createPromMetrics() });
    makeSpans(lost, 2);
    await lost.stop();
    // What it says is why, and not that `fetch` failed.
    expect(lines.at(-1)).toMatchObject({
      level: 'warn',
      reason: expect.not.stringContaining('fetch failed') as string,
    });
  });

  it('says why a collector cannot be reached', async () => {
    const tracer = tracerWith({ url: `http://localhost:${await freePort()}/v1/traces` });
    makeSpans(tracer, 1);
    await tracer.stop();
    expect(lines).toMatchObject([
      { level: 'warn', reason: expect.stringContaining('ECONNREFUSED') as string },
    ]);
  });

  it('takes no longer to stop than it is given', async () => {
    collector.isSilent = true;
    const tracer = tracerWith();
    makeSpans(tracer, 2);
    let isOver = false;
    const stopped = tracer.stop(500).then(() => (isOver = true));
    await time.advance(499);
    expect(isOver).toBe(false);
    await time.advance(1);
    await stopped;
  });
});
