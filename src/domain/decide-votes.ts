// Decides votes: to skip the current entry, and for or against an entry of the queue.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { hasTrack } from '../../protocol/schemas/playback.ts';
import type { UserCommand } from './command.ts';
import { noSuchEntry, type Draft } from './draft.ts';
import { reorderFairly } from './fair.ts';
import { goOn, isSilent, moveTo } from './move.ts';
import { anchorOf, comingEntries, entryIdOf, isPlaying, nextEntry } from './playback.ts';
import { entriesOf, keysOf, lookup } from './records.ts';
import { removeEntries } from './remove.ts';

type VoteCommand = Extract<UserCommand, { type: 'VoteSkip' | 'VoteEntry' }>;

export function decideVote(draft: Draft, command: VoteCommand, by: UserId): Refusal | undefined {
  return command.type === 'VoteSkip'
    ? voteSkip(draft, command.entryId, by)
    : voteEntry(draft, command.entryId, command.value, by);
}

/** How many votes `share` of those present is; never none. */
export function votesNeeded(share: number, presentCount: number): number {
  return Math.max(1, Math.ceil(share * presentCount));
}

/** Counts the votes of those who are present; who has gone has no say in what the others hear. */
function voteSkip(draft: Draft, entryId: EntryId, by: UserId): Refusal | undefined {
  const { room, context, standing } = draft;
  const { skipVoteShare } = room.public.settings;
  if (skipVoteShare <= 0)
    return refuse('conflict', 'settings.skipVoteShare is 0: no votes to skip');
  if (lookup(room.public.queue, entryId) === undefined || entryIdOf(standing.head) !== entryId) {
    return refuse('stale', `the room has moved on from entry ${entryId}`);
  }
  const voters = lookup(room.skipVotes, entryId) ?? [];
  if (!voters.includes(by)) {
    const others = voters.filter((voter) => context.isPresent(voter)).length;
    const needed = votesNeeded(skipVoteShare, context.presentCount);
    draft.emit({ type: 'SkipVoted', by, entryId, skipVotes: others + 1, needed });
  }
  skipIfVoted(draft, by);
  return undefined;
}

function voteEntry(
  draft: Draft,
  entryId: EntryId,
  value: -1 | 0 | 1,
  by: UserId,
): Refusal | undefined {
  const { room } = draft;
  const entry = lookup(room.public.queue, entryId);
  if (entry === undefined) return noSuchEntry(entryId);
  const before = lookup(lookup(room.votes, entryId) ?? {}, by) ?? 0;
  if (value !== before) {
    const score = entry.score - before + value;
    draft.emit({ type: 'EntryVoted', by, entryId, value, score });
  }
  removeIfVoted(draft, entryId, by);
  return undefined;
}

/** Does what the votes ask for by now: people have left, and fewer votes are enough. */
export function countVotes(draft: Draft): void {
  skipIfVoted(draft);
  for (const entryId of keysOf(draft.room.votes)) removeIfVoted(draft, entryId);
}

/** @param by who votes at this moment, and so is there */
function skipIfVoted(draft: Draft, by?: UserId): void {
  const { room, context, standing } = draft;
  const { skipVoteShare } = room.public.settings;
  const { head } = standing;
  if (skipVoteShare <= 0 || !hasTrack(head)) return;
  const voters = lookup(room.skipVotes, head.entryId) ?? [];
  const count = voters.filter((voter) => voter === by || context.isPresent(voter)).length;
  if (count === 0 || count < votesNeeded(skipVoteShare, context.presentCount)) return;
  reorderFairly(draft);
  const next = nextEntry(draft.room, head.entryId);
  const entry = next === undefined ? undefined : lookup(draft.room.public.queue, next);
  if (isPlaying(head) || next === undefined || entry === undefined) {
    goOn(draft, head.entryId, { cause: 'vote', isCold: true });
  } else {
    // Votes choose what plays, not whether it does.
    const at = isSilent(draft) ? draft.at : draft.changeAt;
    moveTo(draft, { cause: 'vote', change: anchorOf(next, entry, head.state, 0, at) });
  }
}

/** Takes an entry out that enough of those present are against, unless it is heard already. */
function removeIfVoted(draft: Draft, entryId: EntryId, by?: UserId): void {
  const { room, context, standing } = draft;
  const { removeVoteShare } = room.public.settings;
  if (removeVoteShare <= 0 || !comingEntries(room, standing).includes(entryId)) return;
  if (entryIdOf(standing.inForce) === entryId) return;
  const votes = entriesOf(lookup(room.votes, entryId) ?? {}).filter(
    ([voter]) => voter === by || context.isPresent(voter),
  );
  const against = votes.reduce((sum, [, vote]) => sum - vote, 0);
  if (against < votesNeeded(removeVoteShare, context.presentCount)) return;
  const [lastVoter] = votes.findLast(([, vote]) => vote < 0) ?? [];
  if (lastVoter !== undefined) removeEntries(draft, [entryId], 'vote', by ?? lastVoter);
}
