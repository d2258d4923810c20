// Decides play, pause, seek, skip, previous, jump, the mode, and the hub's own moves of the timeline.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { hasTrack, type TrackAnchor } from '../../protocol/schemas/playback.ts';
import { playOrder } from '../../protocol/schemas/room.ts';
import type { SystemCommand, UserCommand } from './command.ts';
import { noSuchEntry, requirePermission, type Draft } from './draft.ts';
import { reorderFairly } from './fair.ts';
import { goOn, isSilent, moveTo, replan, startEntry } from './move.ts';
import {
  anchorOf,
  entryIdOf,
  isPlaying,
  nextEntry,
  pendingGate,
  previousEntry,
  type Standing,
} from './playback.ts';
import { freshRanks } from './ranks.ts';
import { lookup } from './records.ts';

/** Later than this, "previous" means the start of the same track. */
const RESTART_AFTER_MS = 3_000;
/** A seek leaves at least this much of the track, so that it never is a skip by accident. */
const SEEK_MARGIN_MS = 1_000;

type PlaybackCommand = Extract<
  UserCommand,
  { type: 'Play' | 'Pause' | 'Seek' | 'Skip' | 'Previous' | 'Jump' | 'SetMode' }
>;

export function decidePlayback(
  draft: Draft,
  command: PlaybackCommand,
  by: UserId,
): Refusal | undefined {
  const forbidden = requirePermission(draft.room, by, 'control');
  if (forbidden !== undefined) return forbidden;
  switch (command.type) {
    case 'Play':
      return play(draft, command.entryId, by);
    case 'Pause':
      return pause(draft, command.entryId, by);
    case 'Seek':
      return seek(draft, command.entryId, command.positionMs, by);
    case 'Skip':
      return skip(draft, command.entryId, by);
    case 'Previous':
      return previous(draft, command.entryId, by);
    case 'Jump':
      return jump(draft, command.to, by);
    case 'SetMode':
      return setMode(draft, command, by);
  }
}

/** Whether a command about `entryId` is about what the room plays: in force, waiting for its start, or there before the lead ends. */
function isMeant(standing: Standing, entryId: EntryId): boolean {
  return [standing.inForce, standing.head, standing.base].some(
    (anchor) => entryIdOf(anchor) === entryId,
  );
}

function stale(entryId: EntryId): Refusal {
  return refuse('stale', `the room has moved on from entry ${entryId}`);
}

/** Starts or resumes. At the end of the queue it goes on with what was added since, or else from the beginning. */
function play(draft: Draft, entryId: EntryId | undefined, by: UserId): Refusal | undefined {
  const { standing } = draft;
  const { base } = standing;
  const first = playOrder(draft.room.public)[0];
  if (first === undefined)
    return refuse('conflict', 'the queue is empty: there is nothing to play');
  if (entryId !== undefined && !isMeant(standing, entryId)) return stale(entryId);
  const start = { cause: 'play', by, isCold: true } as const;
  if (!hasTrack(base)) {
    startEntry(draft, first, 0, start);
    return undefined;
  }
  if (base.state === 'playing') return undefined;
  if (base.state === 'stopped' && base.positionMs >= base.durationMs) {
    startEntry(draft, nextEntry(draft.room, base.entryId) ?? first, 0, start);
  } else {
    startEntry(draft, base.entryId, base.positionMs, start);
  }
  return undefined;
}

function pause(draft: Draft, entryId: EntryId, by: UserId): Refusal | undefined {
  const { standing, changeAt } = draft;
  const { base, basePositionMs } = standing;
  if (!isMeant(standing, entryId)) return stale(entryId);
  if (!isPlaying(base)) return undefined;
  const change = anchorOf(base.entryId, base, 'paused', basePositionMs, changeAt);
  moveTo(draft, { cause: 'pause', by, change });
  return undefined;
}

/** Moves within the track and leaves it playing, paused or stopped as it is. */
function seek(draft: Draft, entryId: EntryId, positionMs: number, by: UserId): Refusal | undefined {
  const { standing, at, changeAt, room } = draft;
  const { base, head, isPending } = standing;
  if (!isMeant(standing, entryId) || !hasTrack(base)) return stale(entryId);
  // The one in force is on its way out: a position in it means nothing for the one that comes.
  if (base.entryId !== entryId) return stale(entryId);
  const target = Math.min(positionMs, Math.max(0, base.durationMs - SEEK_MARGIN_MS));
  const isWaiting = isPending && base === head && head.at >= changeAt;
  // A start that waits keeps its time and its gate, and starts elsewhere.
  const changedAt = isWaiting ? head.at : isSilent(draft) ? at : changeAt;
  const change = anchorOf(base.entryId, base, base.state, target, changedAt);
  const gate = isWaiting ? pendingGate(room.public.playback, at) : undefined;
  moveTo(draft, { cause: 'seek', by, change, gate });
  return undefined;
}

/**
 * The entry that a step away from `entryId` starts from: the base; `stale` when somebody has stepped on already; undefined when the
 * track's own end carries the room on before the lead would.
 */
function stepFrom(standing: Standing, entryId: EntryId): TrackAnchor | Refusal | undefined {
  const { base, head, inForce, isPending } = standing;
  if (hasTrack(base) && base.entryId === entryId) return base;
  if (entryIdOf(head) === entryId) return undefined;
  if (!isPending && entryIdOf(inForce) === entryId) return undefined;
  return stale(entryId);
}

/** On to the next entry, which plays even if the room was paused. */
function skip(draft: Draft, entryId: EntryId, by: UserId): Refusal | undefined {
  const from = stepFrom(draft.standing, entryId);
  if (from === undefined) return undefined;
  if ('code' in from) return from;
  reorderFairly(draft);
  goOn(draft, from.entryId, { cause: 'skip', by, isCold: true });
  return undefined;
}

/** Back to the start of the entry, or within its first seconds to the one before it. Plays even if the room was paused. */
function previous(draft: Draft, entryId: EntryId, by: UserId): Refusal | undefined {
  const from = stepFrom(draft.standing, entryId);
  if (from === undefined) return undefined;
  if ('code' in from) return from;
  const before =
    draft.standing.basePositionMs > RESTART_AFTER_MS
      ? undefined
      : previousEntry(draft.room, from.entryId);
  const target = before ?? from.entryId;
  const isCold = before !== undefined || from.state !== 'playing';
  startEntry(draft, target, 0, { cause: 'previous', by, isCold });
  return undefined;
}

function jump(draft: Draft, to: EntryId, by: UserId): Refusal | undefined {
  if (lookup(draft.room.public.queue, to) === undefined) return noSuchEntry(to);
  const { head, isPending } = draft.standing;
  // Two people who choose the same entry start it once.
  if (isPending && entryIdOf(head) === to && isPlaying(head)) return undefined;
  startEntry(draft, to, 0, { cause: 'jump', by, isCold: true });
  return undefined;
}

function setMode(
  draft: Draft,
  command: Extract<UserCommand, { type: 'SetMode' }>,
  by: UserId,
): Refusal | undefined {
  const { playback, settings } = draft.room.public;
  const repeat = command.repeat ?? playback.repeat;
  const shuffle = command.shuffle ?? playback.shuffle;
  if (shuffle && settings.queuePolicy === 'fair') {
    return refuse('conflict', 'shuffle is not possible while settings.queuePolicy is fair');
  }
  if (repeat === playback.repeat && shuffle === playback.shuffle) return undefined;
  const shuffleRanks = shuffle && !playback.shuffle ? shuffledRanks(draft) : undefined;
  draft.emit({
    type: 'PlaybackModeSet',
    by,
    repeat,
    shuffle,
    ...(shuffleRanks === undefined ? {} : { shuffleRanks }),
  });
  return undefined;
}

/** What has played and what plays stay in their places; what is to come is shuffled (Fisher–Yates). */
function shuffledRanks(draft: Draft): Record<string, string> {
  const order = playOrder(draft.room.public);
  const current = entryIdOf(draft.standing.cursor);
  const from = current === undefined ? 0 : order.indexOf(current) + 1;
  const coming = order.slice(from);
  for (let i = coming.length - 1; i > 0; i -= 1) {
    const j = Math.floor(draft.context.random() * (i + 1));
    const [a, b] = [coming[i], coming[j]];
    if (a !== undefined && b !== undefined) [coming[i], coming[j]] = [b, a];
  }
  const ranks = freshRanks(order.length);
  const shuffled = [...order.slice(0, from), ...coming];
  return Object.fromEntries(shuffled.map((entryId, place) => [entryId, ranks[place] ?? '']));
}

export function openGate(
  draft: Draft,
  { entryId }: Extract<SystemCommand, { type: 'OpenGate' }>,
): void {
  const { head } = draft.standing;
  const gate = pendingGate(draft.room.public.playback, draft.at);
  if (gate?.entryId !== entryId || !isPlaying(head) || draft.changeAt >= gate.deadlineAt) return;
  // What was told is needed stays so; but those who have left since are not waited for.
  const needed = Math.min(gate.needed, draft.context.presentCount);
  if (draft.context.readyCount(entryId) < needed) return;
  moveTo(draft, { cause: 'gate', change: { ...head, at: draft.changeAt } });
}

/** Plans what has come into the horizon; under the fair policy, with regard to who is here by now. */
export function planHorizon(draft: Draft): void {
  reorderFairly(draft);
  replan(draft, 'horizon');
}
