// A room’s chat without holes, and its commands.
import { describe, expect, it } from 'vitest';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import { BEN, FakeHub, HUB_AHEAD_MS, joinedWith, failure, reconnect } from './fake-hub.ts';
import { ROOM_ID, RoomSource, anchor, entryId, publicRoom } from './room-fixture.ts';
import { message, messages, seqs } from './chat-fixture.ts';

describe('chat', () => {
  const withChat = (items: ChatItem[], lastSeq: number, gap: boolean) =>
    joinedWith(publicRoom(), { chat: { items, lastSeq, gap } });
  const say = (hub: FakeHub, ...items: ChatItem[]) =>
    hub.peer.text({ type: 'room.chat', roomId: ROOM_ID, items });

  it('takes items once, and empties a message that is deleted', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom(withChat(messages(1, 2), 2, false));
    say(hub, message(3));
    say(hub, message(3), { kind: 'deletion', seq: 4, at: 4, by: BEN, target: 2 });
    expect(seqs(room)).toEqual([1, 2, 3, 4]);
    expect(room.view.value.chat.items[1]).toMatchObject({ text: '', deleted: true });
    expect(room.view.value.chat).toMatchObject({ lastSeq: 4, hasOlder: false });
    expect(hub.peer.inbox).toEqual([]);
  });

  it('asks for what is missing, one page after the other, and gives up what the hub has not', async () => {
    const hub = new FakeHub();
    const { client, room } = await hub.inRoom(withChat(messages(1, 2), 2, false));
    say(hub, message(150));
    say(hub, message(151));
    const first = hub.peer.take('chat.history');
    expect(first).toMatchObject({ before: 150, limit: 100 });
    expect(hub.peer.inbox).toEqual([]);
    hub.peer.ok(first, { items: messages(50, 149), lastSeq: 151, gap: true });
    const second = hub.peer.take('chat.history');
    expect(second).toMatchObject({ before: 50, limit: 47 });
    hub.peer.ok(second, { items: messages(10, 49), lastSeq: 151, gap: true });
    const third = hub.peer.take('chat.history');
    expect(third).toMatchObject({ before: 10, limit: 7 });
    hub.peer.ok(third, { items: [], lastSeq: 151, gap: false });
    expect(hub.peer.inbox).toEqual([]);
    expect(seqs(room)).toEqual([1, 2, ...messages(10, 151).map(({ seq }) => seq)]);
    say(hub, message(152));
    expect(hub.peer.inbox).toEqual([]);
    expect(client.counts.chatHoles).toBe(3);
  });

  it('asks again with the next message where the hub had none of it yet', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom(withChat(messages(1, 3), 3, false));
    say(hub, message(6));
    hub.peer.ok(hub.peer.take('chat.history'), { items: messages(2, 3), lastSeq: 6, gap: true });
    expect(hub.peer.inbox).toEqual([]);
    say(hub, message(7));
    hub.peer.ok(hub.peer.take('chat.history'), { items: messages(4, 5), lastSeq: 7, gap: true });
    expect(seqs(room)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(hub.peer.inbox).toEqual([]);
  });

  it('gives up after some attempts at a hole that the hub never fills', async () => {
    const hub = new FakeHub();
    const { client } = await hub.inRoom(withChat(messages(1, 3), 3, false));
    for (let seq = 6; seq < 30; seq += 1) {
      say(hub, message(seq));
      if (!hub.peer.has('chat.history')) continue;
      hub.peer.ok(hub.peer.take('chat.history'), {
        items: messages(2, 3),
        lastSeq: seq,
        gap: true,
      });
    }
    expect(client.counts.chatHoles).toBe(8);
  });

  it('names the newest without a hole before it when it comes back, and fills what the reply left out', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom(withChat(messages(1, 5), 5, false));
    await reconnect(hub);
    const join = hub.peer.take('room.join');
    expect(join).toMatchObject({ since: { chat: 5 } });
    hub.peer.ok(join, withChat(messages(11, 60), 60, true));
    const history = hub.peer.take('chat.history');
    expect(history).toMatchObject({ before: 11, limit: 5 });
    hub.peer.ok(history, { items: messages(6, 10), lastSeq: 60, gap: true });
    expect(seqs(room)).toEqual(messages(1, 60).map(({ seq }) => seq));
    expect(room.view.value.chat.hasOlder).toBe(false);
  });

  it('drops what lies before a hole too large to fill', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom(withChat(messages(1, 5), 5, false));
    say(hub, message(1_000));
    expect(hub.peer.inbox).toEqual([]);
    expect(seqs(room)).toEqual([1_000]);
    expect(room.view.value.chat).toMatchObject({ lastSeq: 1_000, hasOlder: true });
  });

  it('begins anew where the hub’s sequence is behind ours: it is another history', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom(withChat(messages(1, 5), 5, false));
    await reconnect(hub);
    const other = [message(1, { text: 'another' })];
    hub.peer.ok(hub.peer.take('room.join'), withChat(other, 1, false));
    expect(room.view.value.chat).toEqual({ items: other, lastSeq: 1, hasOlder: false });
  });

  it('loads older pages on request', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom(withChat(messages(51, 60), 60, true));
    expect(room.view.value.chat.hasOlder).toBe(true);
    const loading = room.olderChat();
    const history = hub.peer.take('chat.history');
    expect(history).toMatchObject({ before: 51, limit: 50 });
    hub.peer.ok(history, { items: messages(1, 50), lastSeq: 60, gap: false });
    await loading;
    expect(seqs(room)).toEqual(messages(1, 60).map(({ seq }) => seq));
    expect(room.view.value.chat.hasOlder).toBe(false);
    const refused = failure(room.olderChat());
    hub.peer.refuse(hub.peer.take('chat.history'), 'rate_limited', { retryable: true });
    expect((await refused).code).toBe('rate_limited');
  });
});

describe('commands', () => {
  it('name the room, the entry that is meant, and a key where a repeat must do nothing', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom();
    await hub.time.advance(3_000);
    void room.skip();
    expect(hub.peer.take('playback.skip')).toEqual({
      id: expect.any(Number) as number,
      type: 'playback.skip',
      roomId: ROOM_ID,
      entryId: entryId(1),
    });
    void room.seek(12_000);
    expect(hub.peer.take('playback.seek')).toMatchObject({ positionMs: 12_000 });
    void room.vote(entryId(2), -1);
    const vote = hub.peer.take('vote.entry');
    expect(vote).toMatchObject({ roomId: ROOM_ID, entryId: entryId(2), value: -1 });
    expect(vote.key).toEqual(expect.any(String));
    void room.move(entryId(2), entryId(1));
    expect(hub.peer.take('queue.move')).toMatchObject({ beforeEntryId: entryId(1) });
    void room.ban(BEN);
    expect(hub.peer.take('member.ban')).not.toHaveProperty('durationMs');
    const inviting = room.invite({ uses: 1 });
    hub.peer.ok(hub.peer.take('room.invite'), { invite: 'secret' });
    expect(await inviting).toBe('secret');
  });

  it('mean the start that somebody planned, not the one that only follows', async () => {
    const hub = new FakeHub();
    const now = hub.time.now() + HUB_AHEAD_MS;
    const source = new RoomSource(
      publicRoom({
        playback: {
          // In force, a jump that waits for its lead, and the boundary behind it.
          timeline: [anchor(1, now - 10_000), anchor(2, now + 10_000), anchor(1, now + 70_000)],
          repeat: 'off',
          shuffle: false,
        },
      }),
    );
    const { room } = await hub.inRoom(joinedWith(source.room));
    await hub.time.advance(3_000);
    const meant = async (): Promise<unknown> => {
      const pausing = room.pause();
      const request = hub.peer.take('playback.pause');
      hub.peer.ok(request, { epoch: 1, revision: 10 });
      await pausing;
      return request.entryId;
    };
    expect(await meant()).toBe(entryId(2));
    await hub.time.advance(8_000);
    expect(await meant()).toBe(entryId(2));
    await hub.time.advance(60_000);
    expect(await meant()).toBe(entryId(1));
  });

  it('mean the entry of the gate while it waits', async () => {
    const hub = new FakeHub();
    const now = hub.time.now() + HUB_AHEAD_MS;
    const playback = {
      timeline: [anchor(1, now - 90_000, { state: 'stopped' }), anchor(2, now + 8_000)],
      gate: { entryId: entryId(2), deadlineAt: now + 8_000, ready: 0, needed: 1 },
      repeat: 'off',
      shuffle: false,
    } as const;
    const { room } = await hub.inRoom(joinedWith(publicRoom({ playback })));
    await hub.time.advance(3_000);
    void room.voteSkip();
    expect(hub.peer.take('vote.skip').entryId).toBe(entryId(2));
  });

  it('are refused here where nothing is chosen, except play', async () => {
    const hub = new FakeHub();
    const timeline = [{ state: 'stopped', positionMs: 0, at: 1 }] as const;
    const playback = { timeline: [...timeline], repeat: 'off', shuffle: false } as const;
    const { room } = await hub.inRoom(joinedWith(publicRoom({ playback })));
    expect((await failure(room.pause())).code).toBe('conflict');
    void room.play();
    expect(hub.peer.take('playback.play')).not.toHaveProperty('entryId');
  });

  it('find the position by hub time: nothing before the clock is known, never beyond the track', async () => {
    const hub = new FakeHub();
    hub.answersProbes = false;
    const at = hub.time.now() + HUB_AHEAD_MS;
    const playback = { timeline: [anchor(1, at)], repeat: 'off', shuffle: false } as const;
    const room = (
      await hub.inRoom(
        joinedWith(publicRoom({ playback: { ...playback, timeline: [...playback.timeline] } })),
      )
    ).room;
    expect(room.positionNow()).toBeUndefined();
    expect(room.anchorNow()).toBeUndefined();
    hub.answersProbes = true;
    await hub.time.advance(5_000);
    expect(room.positionNow()).toBeCloseTo(5_000, 0);
    expect(room.anchorNow()).toMatchObject({ entryId: entryId(1) });
    await hub.time.advance(60_000);
    expect(room.positionNow()).toBe(60_000);
  });
});
