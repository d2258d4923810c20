// One thread's share of a run, against a hub that answers when the test says so: what is judged of it at the end.
import { afterEach, describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { Crew } from '../../loadtest/crew.ts';
import type { CrewReport, IntervalReport } from '../../loadtest/crew-messages.ts';
import { machineNow } from '../../loadtest/machine-clock.ts';
import { Phases } from '../../loadtest/phases.ts';
import { ScenarioSchema, type Scenario } from '../../loadtest/scenario/scenario.ts';
import { ScriptedHub, joinedReply, nextRevision } from '../support/scripted-hub.ts';

const roomId = '0a0a0a0a-0000-4000-8000-000000000001' as RoomId;
const cleanUps: (() => void)[] = [];

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

function three(more: object = {}): Scenario {
  return ScenarioSchema.parse({
    name: 'three',
    groups: [{ kind: 'rooms', rooms: 1, listeners: 3, clockShare: 0, ...more }],
    phases: [{ name: 'steady', seconds: 1, measured: true }],
  });
}

/** A crew of three whose people have all come and asked to be let in. */
async function crewAtTheDoor(scenario = three()): Promise<{
  readonly crew: Crew;
  readonly hub: ScriptedHub;
  readonly reports: CrewReport[];
  readonly judged: () => IntervalReport;
}> {
  const hub = await ScriptedHub.start();
  const reports: CrewReport[] = [];
  const people = [1, 2, 3].map((n) => ({ id: `guest ${n}`, token: `token ${n}` }));
  const crew = new Crew(
    {
      ...{ kind: 'start', scenario, mostLoad: 1, thread: 0, threads: 1, run: 1, tracks: [] },
      ...{ targets: [hub.target], sourceAddresses: [], identity: { kind: 'guests', people } },
    },
    (report) => reports.push(report),
  );
  cleanUps.push(
    () => crew.obey({ kind: 'end', closeRooms: false }),
    () => hub.close(),
  );
  crew.obey({ kind: 'rooms', rooms: [{ group: 0, room: 0, roomId }] });
  crew.obey({ kind: 'phase', phase: 0, inMs: 0, seconds: 0, from: 0, to: 1 });
  const judged = (): IntervalReport => {
    crew.obey({ kind: 'judge', furthest: [], latest: [] });
    const last = reports.findLast((report) => report.kind === 'interval');
    if (last === undefined) throw new Error('nothing was reported');
    return last;
  };
  return { crew, hub, reports, judged };
}

describe('the end of a run', () => {
  it('finds lost whoever was never let in, also where nobody was', async () => {
    const { hub, judged } = await crewAtTheDoor();
    for (let n = 0; n < 3; n += 1) (await hub.next('room.join')).refuse('forbidden');
    expect(judged().counts).toMatchObject({ lost: 3 });
  });

  it('finds unanswered whatever still waits', async () => {
    const { hub, judged } = await crewAtTheDoor();
    for (let n = 0; n < 3; n += 1) await hub.next('room.join');
    expect(judged().counts).toMatchObject({ unanswered: 3, lost: 3 });
  });

  it('finds unseen what was acknowledged of a room of which nobody has anything', async () => {
    const { crew, hub, judged } = await crewAtTheDoor();
    for (let n = 0; n < 3; n += 1) await hub.next('room.join');
    const mark = { group: 0, room: 0, act: 'seek', intendedMs: 0 };
    crew.obey({
      kind: 'marks',
      marks: [
        { ...mark, stream: 'revisions', key: '1:8' },
        { ...mark, stream: 'chat', key: '1:3' },
      ],
    });
    const found = judged().faults.map(({ stream, kind }) => `${stream} ${kind}`);
    expect(found).toEqual(['revision unseen', 'chat unseen']);
  });
});

describe('what somebody does and then leaves', () => {
  /** All are in the room, and one has sent a message that is not answered yet. */
  async function whoWrites() {
    const world = await crewAtTheDoor(three({ acts: { chat: 60_000 } }));
    for (let n = 0; n < 3; n += 1) (await world.hub.next('room.join')).answer(joinedReply(roomId));
    return { ...world, written: await world.hub.next('chat.send') };
  }

  it('is unseen where those who stay do not have it', async () => {
    const { written, judged, hub } = await whoWrites();
    written.answer({ seq: 1 });
    await hub.next('chat.send');
    await expect.poll(() => judged().faults).toMatchObject([{ stream: 'chat', kind: 'unseen' }]);
  });

  it('is no fault where it is answered once all have left', async () => {
    const { crew, written, judged, hub } = await whoWrites();
    crew.obey({ kind: 'phase', phase: 1, inMs: 0, seconds: 0, from: 0, to: 0 });
    const leaves = [];
    for (let n = 0; n < 3; n += 1) leaves.push(await hub.next('room.leave'));
    written.answer({ seq: 1 });
    for (const leave of leaves) leave.answer();
    await expect.poll(() => judged().counts.left).toBe(3);
    await expect.poll(() => hub.connected).toBe(0);
    expect(judged().faults).toEqual([]);
  });
});

describe('the last listener', () => {
  it('counts for the phase in which the act was meant, though it is known only in a later one', async () => {
    const { crew, hub, reports, judged } = await crewAtTheDoor();
    const intendedMs = machineNow();
    for (let n = 0; n < 3; n += 1) {
      const { answer, socket } = await hub.next('room.join');
      answer(joinedReply(roomId));
      socket.send(JSON.stringify(nextRevision(roomId)));
    }
    await expect.poll(() => hub.asked.length).toBeGreaterThan(5);
    const mark = { group: 0, room: 0, act: 'seek', intendedMs } as const;
    crew.obey({ kind: 'marks', marks: [{ ...mark, stream: 'revisions', key: '1:6' }] });
    crew.obey({ kind: 'phase', phase: 1, inMs: 0, seconds: 0, from: 1, to: 1 });
    const intervals = () => reports.filter((report) => report.kind === 'interval');
    await expect.poll(() => intervals().at(-1)?.phase).toBe(1);
    judged();
    const phases = new Phases(1);
    for (const interval of intervals()) phases.add(interval);
    expect(phases.figures(0).latencies['seek.last']?.count).toBe(1);
    expect(phases.figures(1).latencies['seek.last']).toBeUndefined();
  });
});
