// What time brings to a room is waited for once, whatever else happens in it meanwhile.
import { describe, expect, it } from 'vitest';
import { DEFAULT_DOMAIN_LIMITS } from '../../src/domain/command.ts';
import { evolve } from '../../src/domain/evolve.ts';
import type { RoomState } from '../../src/domain/room-state.ts';
import { RoomDue } from '../../src/hub/room/room-due.ts';
import { ManualTime } from '../support/manual-time.ts';
import { RoomScript, someUserId } from '../support/room-fixtures.ts';

/** A room whose host has not come, and for longer than it is waited for. */
function hostless(time: ManualTime): RoomState {
  const script = new RoomScript({ at: time.now() - 10 * DEFAULT_DOMAIN_LIMITS.hostGraceMs });
  const events = [script.created(), script.arrived({ userId: someUserId(), name: 'Ben' })];
  const state = events.reduce<RoomState | undefined>(
    (room, event) => evolve(room, event),
    undefined,
  );
  if (state === undefined) throw new Error('no room');
  return state;
}

describe('what is due', () => {
  it('is done by a node that waits behind others, although the room never rests', async () => {
    const time = new ManualTime();
    const done: string[] = [];
    const state = hostless(time);
    const due = new RoomDue({
      clock: time,
      timers: time,
      limits: DEFAULT_DOMAIN_LIMITS,
      state: () => state,
      isWaiting: () => false,
      waitBehindMs: () => 150,
      submit: ({ type }) => done.push(type),
    });
    for (let commits = 0; commits < 3; commits += 1) {
      due.arm();
      expect(done).toEqual([]);
      await time.advance(60);
    }
    expect(done).toEqual(['SucceedHost']);
    expect(due.isArmed).toBe(false);
    due.arm(1_000);
    await time.advance(999);
    expect(done).toHaveLength(1);
    due.stop();
    expect(time.waiting).toBe(0);
  });
});
