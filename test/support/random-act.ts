// What people do in a room, chosen by chance.
import type { EntryId } from '../../protocol/ids.ts';
import type { ModelClient } from './hub-model-client.ts';
import { trackId } from './hub-world.ts';
import type { SeededRandom } from './seeded-random.ts';

/** One thing that somebody does, chosen by chance. */
export function act(model: ModelClient, random: SeededRandom): void {
  const { room } = model;
  if (!model.isIn || room === undefined) return;
  const entryIds = Object.keys(room.queue) as EntryId[];
  const anchor = room.playback.timeline.at(-1);
  const entryId = anchor !== undefined && 'entryId' in anchor ? anchor.entryId : undefined;
  const actions: (() => void)[] = [
    () =>
      model.ask('queue.add', {
        trackIds: [trackId(random.int(20))],
        at: random.pick(['next', 'end']),
      }),
    () => model.ask('chat.send', { text: `${model.n}: ${random.int(1e6)}` }),
    () => model.ask('playback.play', {}),
    () => model.ask('queue.undo', {}),
    () =>
      model.ask('playback.mode', {
        shuffle: random.next() < 0.5,
        repeat: random.pick(['off', 'one', 'all']),
      }),
    () => model.ask('reaction.send', { emoji: '🎉' }),
  ];
  if (entryIds.length > 0) {
    const one = random.pick(entryIds);
    actions.push(
      () => model.ask('queue.remove', { entryIds: [one] }),
      () => model.ask('queue.move', { entryId: one, beforeEntryId: random.pick(entryIds) }),
      () => model.ask('vote.entry', { entryId: one, value: random.pick([-1, 0, 1]) }),
      () => model.ask('playback.jump', { to: one }),
      () => model.ask('ready', { entryId: one, bufferedMs: 1_000 }),
    );
  }
  if (entryId !== undefined) {
    actions.push(
      () => model.ask('playback.pause', { entryId }),
      () => model.ask('playback.skip', { entryId }),
      () => model.ask('playback.seek', { entryId, positionMs: random.int(60_000) }),
      () => model.ask('vote.skip', { entryId }),
    );
  }
  random.pick(actions)();
}
