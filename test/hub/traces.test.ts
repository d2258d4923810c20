// What a trace of a command tells: the request, the decision, the append, and the way to the sockets.
import { describe, expect, it } from 'vitest';
import type { Span, SpanAttributes, Tracer } from '../../src/ports/tracer.ts';
import { HubWorld } from '../support/hub-world.ts';
import { playingRoom } from '../support/listening-world.ts';

interface Told {
  readonly name: string;
  readonly parent: string | undefined;
  attributes: SpanAttributes;
  /** In which order it ended; undefined while it has not. */
  ended: number | undefined;
  failure: string | undefined;
}

class RecordingTracer implements Tracer {
  readonly told: Told[] = [];
  #ends = 0;

  begin(name: string, attributes: SpanAttributes): Span {
    return this.#span(name, undefined, attributes);
  }

  #span(name: string, parent: string | undefined, attributes: SpanAttributes): Span {
    const told: Told = { name, parent, attributes, ended: undefined, failure: undefined };
    this.told.push(told);
    return {
      child: (childName) => this.#span(childName, name, {}),
      end: (more = {}, failure) => {
        if (told.ended !== undefined) throw new Error(`${name} ended twice`);
        told.attributes = { ...told.attributes, ...more };
        told.ended = this.#ends += 1;
        told.failure = failure;
      },
    };
  }

  take(): Told[] {
    return this.told.splice(0);
  }
}

async function worldWith(): Promise<{ world: HubWorld; tracer: RecordingTracer }> {
  const tracer = new RecordingTracer();
  const world = new HubWorld({}, { tracer });
  await world.hub.start();
  return { world, tracer };
}

/** Of what came before nothing is told any more. */
async function twoInARoom() {
  const { world, tracer } = await worldWith();
  const [ana, ben] = [await world.connect(1), await world.connect(2)];
  const roomId = await playingRoom(ana, ['track1', 'track2']);
  await ben.ask('room.join', { roomId });
  await world.time.advance(1_000);
  tracer.take();
  return { world, tracer, ana, ben, roomId };
}

describe('a trace', () => {
  it('follows a command from the request to the sockets of the room', async () => {
    const { world, tracer, ana, roomId } = await twoInARoom();
    await ana.ask('playback.mode', { roomId, repeat: 'all' });
    await world.time.advance(100);
    const told = tracer.take();
    expect(told.map(({ name, parent }) => [name, parent])).toEqual([
      ['playback.mode', undefined],
      ['decide', 'playback.mode'],
      ['append', 'playback.mode'],
      ['fan-out', 'playback.mode'],
    ]);
    const [request, decide, append, fanOut] = told;
    expect(request?.attributes).toMatchObject({ 'earshot.room.id': roomId });
    expect(decide?.attributes).toEqual({ 'earshot.command': 'SetMode' });
    expect(append?.attributes).toEqual({
      'earshot.append.outcome': 'committed',
      'earshot.append.events': 1,
    });
    expect(fanOut?.attributes).toEqual({ 'earshot.fan_out.sockets': 2 });
    for (const { ended, failure } of told)
      expect([typeof ended, failure]).toEqual(['number', undefined]);
    expect((decide?.ended ?? 0) < (append?.ended ?? 0)).toBe(true);
    expect((append?.ended ?? 0) < (fanOut?.ended ?? 0)).toBe(true);
  });

  it('ends at a refusal, with its code', async () => {
    const { world, tracer } = await worldWith();
    const ana = await world.connect(1);
    const roomId = await playingRoom(ana, ['track1']);
    await world.time.advance(1_000);
    tracer.take();
    await ana.ask('playback.skip', { roomId, entryId: 'another' });
    await world.time.advance(100);
    expect(tracer.take().map(({ name, failure }) => [name, failure])).toEqual([
      ['playback.skip', 'stale'],
      ['decide', 'stale'],
    ]);
  });

  it('has a part for each command of a batch, and one of its own', async () => {
    const { world, tracer, ana, ben, roomId } = await twoInARoom();
    ana.send('queue.add', { roomId, trackIds: ['track2'] });
    ben.send('queue.add', { roomId, trackIds: ['track3'] });
    await world.time.advance(1_000);
    const told = tracer.take();
    for (const name of ['queue.add', 'decide', 'append', 'fan-out'])
      expect(told.filter((each) => each.name === name)).toHaveLength(2);
    expect(told.every(({ ended }) => ended !== undefined)).toBe(true);
  });

  it('has no append of a command that was refused beside others', async () => {
    const { world, tracer, ana, ben, roomId } = await twoInARoom();
    ana.send('playback.skip', { roomId, entryId: 'another' });
    ben.send('queue.add', { roomId, trackIds: ['track3'] });
    await world.time.advance(1_000);
    const appends = tracer.take().filter(({ name }) => name === 'append' || name === 'fan-out');
    expect(appends.map(({ parent }) => parent)).toEqual(['queue.add', 'queue.add']);
  });

  it('is not made of what players say every few seconds', async () => {
    const { world, tracer } = await worldWith();
    const ana = await world.connect(1);
    const roomId = await playingRoom(ana, ['track1']);
    await world.time.advance(1_000);
    tracer.take();
    const report = { errorMs: 1, maxErrorMs: 2, rttMs: 30, outputLatencyMs: 10 };
    await ana.ask('sync.report', { roomId, ...report, state: 'following' });
    expect(tracer.take()).toEqual([]);
  });
});
