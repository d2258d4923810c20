// The rows of people, as changes lock and number them. Knows nothing of what is changed.
import type { UserId } from '../../../protocol/ids.ts';
import type { PolicyVersion } from '../../ports/friends.ts';
import type { Rows } from './sql.ts';

export interface LockedPerson {
  readonly id: UserId;
  readonly request_times: readonly number[] | null;
}

/**
 * Those who are known, who then stay as they are until the transaction ends. What is between people is changed by whoever has locked both:
 * statements after this one see all that was changed before. Always in the order of ids, or two would wait for each other.
 */
export async function lockPeople(
  rows: Rows,
  userIds: readonly UserId[],
): Promise<ReadonlyMap<UserId, LockedPerson>> {
  const found = await rows<LockedPerson>(
    'select id, request_times from "user" where id = any(?::uuid[]) order by id for update',
    [userIds],
  );
  return new Map(found.map((row) => [row.id, row]));
}

/** Gives the people's policies a version above all before it: also above those of a database that was put back to an older copy. */
export async function bumpPolicies(
  rows: Rows,
  userIds: readonly UserId[],
): Promise<readonly PolicyVersion[]> {
  if (userIds.length === 0) return [];
  const bumped = await rows<{ readonly id: UserId; readonly version: number }>(
    `update "user" set policy_version =
       greatest(policy_version + 1, floor(extract(epoch from clock_timestamp()) * 1000)::float8)
     where id = any(?::uuid[]) returning id, policy_version as version`,
    [userIds],
  );
  const versions = new Map(bumped.map(({ id, version }) => [id, version]));
  return userIds.flatMap((userId) => {
    const version = versions.get(userId);
    return version === undefined ? [] : [{ userId, version }];
  });
}
