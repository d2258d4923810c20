// The recap of a session: made of the events that decisions really lead to.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EntryId, SessionId } from '../../protocol/ids.ts';
import { decide } from '../../src/domain/decide.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { headEntryId } from '../../src/domain/playback.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RoomState } from '../../src/domain/room-state.ts';
import {
  RecapTally,
  type RecordedSession,
  type SessionRecap,
} from '../../src/domain/session-recap.ts';
import { someEntry } from '../support/room-fixtures.ts';
import { stepArbitrary, userIdOf } from './support/room-commands.ts';
import {
  ANA,
  BEN,
  CLEO,
  LEAD_MS,
  contextOf,
  friends,
  type Scenario,
} from './support/room-scenario.ts';

const NOBODY: RecordedSession = {
  sessionId: 's' as SessionId,
  participations: [],
  plays: [],
};

function recapOf(
  events: readonly RoomEvent[],
  session: Partial<RecordedSession> = {},
): SessionRecap {
  const tally = new RecapTally();
  for (const event of events) tally.add(event);
  return tally.recap({ ...NOBODY, ...session }, 100_000);
}

/** Who skipped what: `title hand Ana +voters`. */
function skipsOf(scenario: Scenario): string[] {
  return recapOf(scenario.log).skips.map(({ title, how, by, voters }) =>
    [title, how, by ?? '-', ...voters].join(' '),
  );
}

describe('the recap of a session', () => {
  it('tells who skipped what by hand, also while a start waits behind its gate or its lead', () => {
    const scenario = friends('a b c d');
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(5_000);
    scenario.do({ type: 'Skip', entryId: scenario.id('a') }, BEN);
    // b has not begun: it is what everybody sees coming, and what the second skip means.
    scenario.wait(LEAD_MS / 3);
    scenario.do({ type: 'Skip', entryId: scenario.id('b') }, ANA);
    scenario.wait(10_000);
    scenario.ready = 0;
    scenario.do({ type: 'Skip', entryId: scenario.id('c') }, BEN);
    scenario.wait(LEAD_MS * 2);
    scenario.do({ type: 'Skip', entryId: scenario.id('d') }, BEN);
    expect(skipsOf(scenario)).toEqual([
      `a hand ${BEN}`,
      `b hand ${ANA}`,
      `c hand ${BEN}`,
      `d hand ${BEN}`,
    ]);
  });

  it('tells a skip by vote with who voted, and the votes of somebody who then skipped by hand', () => {
    const scenario = friends('a b c');
    scenario.arrive(CLEO);
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(1_000);
    scenario.do({ type: 'VoteSkip', entryId: scenario.id('a') }, BEN);
    scenario.do({ type: 'VoteSkip', entryId: scenario.id('a') }, CLEO);
    scenario.wait(10_000);
    scenario.do({ type: 'VoteSkip', entryId: scenario.id('b') }, CLEO);
    scenario.do({ type: 'Skip', entryId: scenario.id('b') }, ANA);
    expect(skipsOf(scenario)).toEqual([`a vote - ${BEN} ${CLEO}`, `b hand ${ANA} ${CLEO}`]);
    const { votes, counts } = recapOf(scenario.log);
    expect(votes.map(({ title, toSkip }) => [title, toSkip])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect(counts).toMatchObject({ skips: 2, votes: 3, added: 3 });
  });

  it('does not call a pause, a seek, a jump or the end of a track a skip', () => {
    const scenario = friends('a b c');
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(1_000);
    scenario.do({ type: 'Seek', entryId: scenario.id('a'), positionMs: 90_000 }, BEN);
    scenario.wait(1_000);
    scenario.do({ type: 'Pause', entryId: scenario.id('a') }, BEN);
    scenario.wait(1_000);
    scenario.do({ type: 'Jump', to: scenario.id('c') }, BEN);
    scenario.wait(179_000);
    scenario.do({ type: 'PlanHorizon' });
    expect(recapOf(scenario.log).skips).toEqual([]);
  });

  it('counts the last vote of each person on an entry', () => {
    const scenario = friends('a b c');
    scenario.arrive(CLEO);
    const vote = (title: string, value: -1 | 0 | 1, by: typeof ANA): void => {
      scenario.do({ type: 'VoteEntry', entryId: scenario.id(title), value }, by);
    };
    vote('b', 1, ANA);
    vote('b', -1, ANA);
    vote('b', 1, BEN);
    vote('c', 1, CLEO);
    vote('c', 0, CLEO);
    const { votes, counts } = recapOf(scenario.log);
    expect(votes).toEqual([
      {
        entryId: scenario.id('b'),
        ...{ trackId: 'track-b', title: 'b', artist: 'Somebody', addedBy: ANA },
        ...{ up: 1, down: 1, toSkip: 0 },
      },
    ]);
    expect(counts.votes).toBe(2);
  });

  it('knows who was there how long, and how many at once', () => {
    const person = (userId: typeof ANA, name: string, arrivedAt: number, departedAt?: number) => ({
      ...{ userId, name, arrivedAt },
      ...(departedAt === undefined ? {} : { departedAt }),
    });
    const { people, counts } = recapOf([], {
      participations: [
        person(ANA, 'Ana', 1_000, 2_000),
        person(BEN, 'Ben', 2_000),
        person(ANA, 'Anna', 3_000, 3_500),
        person(CLEO, 'Cleo', 3_500, 4_000),
      ],
    });
    expect(people).toEqual([
      {
        userId: ANA,
        name: 'Anna',
        stays: [
          { arrivedAt: 1_000, departedAt: 2_000 },
          { arrivedAt: 3_000, departedAt: 3_500 },
        ],
        presentMs: 1_500,
      },
      { userId: BEN, name: 'Ben', stays: [{ arrivedAt: 2_000 }], presentMs: 98_000 },
      {
        userId: CLEO,
        name: 'Cleo',
        stays: [{ arrivedAt: 3_500, departedAt: 4_000 }],
        presentMs: 500,
      },
    ]);
    expect(counts).toMatchObject({ people: 3, peakPeople: 2 });
  });

  it('sums up what was heard, with who added it', () => {
    const scenario = friends('a b');
    const play = (title: string, startedAt: number, endedAt: number) => ({
      ...{ entryId: scenario.id(title), trackId: `track-${title}` as never },
      ...{ title, artist: 'Somebody', startedAt, endedAt },
    });
    const plays = [play('a', 0, 1_000), play('b', 1_000, 1_500), play('a', 2_000, 5_000)];
    const recap = recapOf(scenario.log, { plays });
    expect(recap.plays).toEqual(plays.map((each) => ({ ...each, addedBy: ANA })));
    expect(recap.counts).toMatchObject({ plays: 3, tracks: 2, playedMs: 4_500 });
  });

  it('finds the title of what was queued before the session: in what was heard, else in the queue of now', () => {
    const scenario = friends('a b c');
    const before = scenario.log.length;
    scenario.do({ type: 'Play' }, ANA);
    for (const title of ['a', 'b', 'c']) {
      scenario.wait(5_000);
      scenario.do({ type: 'Skip', entryId: scenario.id(title) }, ANA);
    }
    const tally = new RecapTally();
    for (const event of scenario.log.slice(before)) tally.add(event);
    const [a, b] = [scenario.id('a'), scenario.id('b')];
    const heard = { ...{ entryId: a, trackId: 't' as never, title: 'Heard', artist: 'X' } };
    const plays = [{ ...heard, startedAt: 0, endedAt: 1 }];
    const queue: Record<EntryId, ReturnType<typeof someEntry>> = { [b]: someEntry('Queued', 1) };
    const { skips } = tally.recap({ ...NOBODY, plays }, 0, queue);
    expect(skips.map(({ title, trackId }) => [title, trackId])).toEqual([
      ['Heard', 't'],
      ['Queued', 'track-Queued'],
      ['', 'track-c'],
    ]);
  });

  it('names for every skip the entry that was meant, whatever happens around it', () => {
    let skips = 0;
    fc.assert(
      fc.property(
        fc.array(stepArbitrary, { minLength: 20, maxLength: 80, size: 'max' }),
        (steps) => {
          const scenario = friends('a b c d e f');
          const tally = new RecapTally();
          for (const event of scenario.log) tally.add(event);
          let room: RoomState = scenario.state;
          let at = scenario.at;
          const meant: (EntryId | undefined)[] = [];
          steps.forEach((step, i) => {
            at += step.waitMs;
            const command = step.intent(room, at);
            const present = [0, 1, 2, 3, 4].filter((n) => (step.presentMask & (1 << n)) !== 0);
            const context = contextOf({
              by: userIdOf(step.by),
              at,
              present: present.map(userIdOf),
              ready: Math.floor(present.length * step.readyShare),
              leadMs: step.leadMs,
              serial: `p${i}`,
            });
            const decision = decide(command, room, context);
            if (decision.kind === 'refused') return;
            for (const event of decision.events) {
              if (event.type === 'PlaybackMoved' && event.cause === 'skip')
                meant.push(command.type === 'Skip' ? command.entryId : undefined);
              if (event.type === 'PlaybackMoved' && event.cause === 'vote')
                meant.push(headEntryId(room.public, at));
              tally.add(event);
              room = evolve(room, event);
            }
          });
          const told = tally.recap(NOBODY, at).skips.map(({ entryId }) => entryId);
          skips += told.length;
          expect(told).toEqual(meant);
        },
      ),
      { numRuns: 300, seed: 20_261_123 },
    );
    expect(skips).toBeGreaterThan(300);
  });
});
