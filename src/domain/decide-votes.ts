// Decides votes: to skip the current entry, and for or against an entry of the queue.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { UserCommand } from './command.ts';
import { noSuchEntry, type Draft } from './draft.ts';
import { reorderFairly } from './fair.ts';
import { goOn } from './move.ts';
import { comingEntries, entryIdOf } from './playback.ts';
import { entriesOf, lookup } from './records.ts';
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
  if (voters.includes(by)) return undefined;
  const others = voters.filter((voter) => context.isPresent(voter)).length;
  const skipVotes = others + 1;
  const needed = votesNeeded(skipVoteShare, context.presentCount);
  draft.emit({ type: 'SkipVoted', by, entryId, skipVotes, needed });
  if (skipVotes >= needed) {
    reorderFairly(draft);
    goOn(draft, entryId, { cause: 'vote', isCold: true });
  }
  return undefined;
}

function voteEntry(
  draft: Draft,
  entryId: EntryId,
  value: -1 | 0 | 1,
  by: UserId,
): Refusal | undefined {
  const { room, context } = draft;
  const entry = lookup(room.public.queue, entryId);
  if (entry === undefined) return noSuchEntry(entryId);
  const before = lookup(lookup(room.votes, entryId) ?? {}, by) ?? 0;
  if (value === before) return undefined;
  const score = entry.score - before + value;
  draft.emit({ type: 'EntryVoted', by, entryId, value, score });
  const { removeVoteShare } = room.public.settings;
  if (removeVoteShare <= 0 || !comingEntries(room, draft.standing).includes(entryId))
    return undefined;
  if (entryIdOf(draft.standing.inForce) === entryId) return undefined;
  const votes = entriesOf(lookup(draft.room.votes, entryId) ?? {});
  const against = votes
    .filter(([voter]) => voter === by || context.isPresent(voter))
    .reduce((sum, [, vote]) => sum - vote, 0);
  if (against >= votesNeeded(removeVoteShare, context.presentCount)) {
    removeEntries(draft, [entryId], 'vote', by);
  }
  return undefined;
}
