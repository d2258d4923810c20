// What the page makes of one room, without a browser: knocks, and what is shown while one listens apart from the others.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EntryId, TrackId, UserId } from '../../protocol/ids.ts';
import { Notices } from '../../src/web/notices.ts';
import type { PageApi, PageClient } from '../../src/web/page-sdk.ts';
import { RoomModel } from '../../src/web/room-model.ts';
import { FakeError, FakeRoom } from './fixture/fake-room.ts';
import { createFakeSdk, FakePlayer } from './fixture/fake-sdk.ts';
import { ME, viewOf } from './fixture/scene.ts';

const GIL = { id: '77' as UserId, name: 'Gil' };
const HAL = { id: '88' as UserId, name: 'Hal' };
describe('the model of a room', () => {
  let room: FakeRoom;
  let player: FakePlayer;
  let model: RoomModel;

  beforeEach(() => {
    vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined });
    room = new FakeRoom(viewOf({ role: 'host', empty: false }), ME);
    player = new FakePlayer(room);
    const { fixture } = createFakeSdk('host');
    model = new RoomModel({
      room,
      player,
      client: fixture.client satisfies PageClient,
      api: {} as PageApi,
      notices: new Notices(),
      codeOf: (error) => (error instanceof FakeError ? error.code : undefined),
    });
  });

  afterEach(() => model.stop());

  const atDoor = (): string[] => model.knocks.value.map(({ name }) => name);
  const told = (): string[] => model.notices.shown.value.map(({ text }) => text);

  it('shows who waits at the door, until each is answered, here or by somebody else', () => {
    room.knock(GIL.id, GIL.name);
    room.knock(HAL.id, HAL.name);
    expect(atDoor()).toEqual(['Gil', 'Hal']);
    model.answerKnock(GIL.id, true);
    expect(atDoor()).toEqual(['Hal']);
    room.answered(HAL.id);
    expect(atDoor()).toEqual([]);
  });

  it('does not complain of a knock that was answered already', async () => {
    room.knock(GIL.id, GIL.name);
    room.refuseNext = 'not_found';
    model.answerKnock(GIL.id, true);
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(told()).toEqual([]);
    room.refuseNext = 'forbidden';
    model.answerKnock(GIL.id, true);
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(told()).toEqual(['Your role here does not allow that.']);
  });

  it('shows the own track, and its own length, while one listens apart and the room goes on', async () => {
    expect(model.shown.value?.entry.title).toBe('Paper Boats');
    player.change({ mode: 'detached', trackId: 'track-1' as TrackId, positionMs: 5_000 });
    await room.jump('e3' as EntryId);
    expect(model.current.value?.entry.title).toBe('Copper Wire');
    expect(model.shown.value?.entry.title).toBe('Paper Boats');
    player.change({ mode: 'following', trackId: 'track-3' as TrackId });
    expect(model.shown.value?.entry.title).toBe('Copper Wire');
  });
});
