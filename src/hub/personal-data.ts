// All that is kept of a person, gathered from the stores that keep it. Knows no HTTP.
import type { UserId } from '../../protocol/ids.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { ActivityLog } from '../ports/activity-log.ts';
import type { Friends } from '../ports/friends.ts';
import type { Traces } from '../ports/traces.ts';

export interface PersonalDataDeps {
  readonly friends: Pick<Friends, 'profiles' | 'audience' | 'overview' | 'incoming' | 'codeOf'>;
  readonly accounts: Pick<Accounts, 'tokens'>;
  readonly activityLog: Pick<ActivityLog, 'export'>;
  readonly traces: Pick<Traces, 'export'>;
}

/** A member of the document: one value, or a list that is told item by item. */
export type DataSection =
  | { readonly name: string; readonly value: unknown }
  | { readonly name: string; readonly items: AsyncIterable<unknown> };

/** What is asked for at once is asked for before the first section is given. Rejects with `StoreUnavailable`, also on the way. */
export async function personalData(
  { friends, accounts, activityLog, traces }: PersonalDataDeps,
  userId: UserId,
): Promise<readonly DataSection[]> {
  const [[profile], code, audience, overview, devices] = await Promise.all([
    friends.profiles([userId]),
    friends.codeOf(userId),
    friends.audience(userId),
    friends.overview(userId),
    accounts.tokens(userId),
  ]);
  return [
    { name: 'profile', value: { ...profile, friendCode: code } },
    { name: 'audience', value: audience ?? null },
    { name: 'friends', value: overview.friends },
    { name: 'incomingRequests', items: friends.incoming(userId) },
    { name: 'outgoingRequests', value: overview.outgoing },
    { name: 'blocked', value: overview.blocked },
    { name: 'devices', value: devices },
    { name: 'rooms', items: traces.export(userId) },
    { name: 'listening', items: activityLog.export(userId) },
  ];
}
