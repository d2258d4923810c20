// The port to what is between people: friends, requests, blocks, and who may see what one does. Knows nothing of activity.
import type { HubMs, UserId } from '../../protocol/ids.ts';
import type { AudienceChange, AudienceKind, Colour, ProfileChange } from '../domain/people.ts';

export interface Person {
  readonly userId: UserId;
  readonly name: string;
  readonly colour: Colour;
  /** An https URL. */
  readonly picture?: string;
}

export interface PersonSince extends Person {
  /** Since when they are friends, or blocked; when the request was sent. */
  readonly at: HubMs;
}

/** Each list the newest first. */
export interface Overview {
  readonly friends: readonly PersonSince[];
  /** The newest ones only; `incomingCount` is of all. */
  readonly incoming: readonly PersonSince[];
  readonly incomingCount: number;
  /** Also those that were declined: nobody is told that. */
  readonly outgoing: readonly PersonSince[];
  /**
   * By the name that each had when they were blocked, and nothing else that they have chosen. Whoever blocked this person already by then
   * is left out as long as they do: nobody learns here that they are there.
   */
  readonly blocked: readonly PersonSince[];
}

/** The version of a person's policy: their audience, chosen people, private session, friends and blocks. */
export interface PolicyVersion {
  readonly userId: UserId;
  /** Grows with each change, even when the store was put back to an older copy. No two policies of a person share one. */
  readonly version: number;
}

export interface Change<Outcome extends string> {
  readonly outcome: Outcome;
  /** The people whose policy this changed, for all nodes to be told. */
  readonly policies: readonly PolicyVersion[];
  /** The people whose overview this changed, for those who look at one to be told. */
  readonly overviews: readonly UserId[];
}

export interface Audience {
  readonly audience: AudienceKind;
  /** Friends only, sorted; kept while the audience is another one. */
  readonly chosen: readonly UserId[];
  /** The end of the private session, which may have passed. Until then nobody sees anything. */
  readonly privateUntil?: HubMs;
}

export interface AudienceSet extends Change<'set' | 'refused'> {
  /** Absent where it is refused. */
  readonly before?: Audience;
  readonly after?: Audience;
}

/** What one author lets one viewer see. */
export interface Grant {
  readonly author: UserId;
  /** Of the author's policy. */
  readonly version: number;
  /** Whether the audience has the viewer in it. */
  readonly may: boolean;
  /** Before this time the viewer sees nothing, whatever `may` says; told also once it has passed, as what was heard by then stays hidden. */
  readonly privateUntil?: HubMs;
}

/** What is published of somebody's listening goes out under their name and by this policy. */
export interface AuthorPolicy {
  readonly person: Person;
  readonly version: number;
  readonly privateUntil?: HubMs;
}

export interface GrantsOf {
  readonly version: number;
  readonly privateUntil?: HubMs;
  /** Those of the viewers asked about who are in the audience. */
  readonly may: ReadonlySet<UserId>;
}

/**
 * Changes are durable and visible to all when they resolve, and those of one person or pair happen one after the other: two requests that cross make
 * friends, nobody is a friend of somebody they block, and no limit is passed by asking twice at once. Every method rejects with
 * `StoreUnavailable`. `at` is the hub's time of the change.
 */
export interface Friends {
  /**
   * `friends`: the other had asked already. `already`: they were friends before. `refused`: unknown, oneself, or blocked by either, which are
   * not to be told apart. `too_many`: by `FriendLimits`. `sent` also where it had been sent before; and where it was declined less than
   * seven days ago, when the other hears nothing of it.
   */
  request(
    from: UserId,
    to: UserId,
    at: HubMs,
  ): Promise<Change<'sent' | 'friends' | 'already' | 'refused' | 'too_many'>>;
  /** `none`: there is no request that waits. `too_many`: one of the two has as many friends as can be. */
  accept(userId: UserId, from: UserId, at: HubMs): Promise<Change<'friends' | 'none' | 'too_many'>>;
  decline(userId: UserId, from: UserId, at: HubMs): Promise<Change<'declined' | 'none'>>;
  /** Takes one's own request back. */
  cancel(userId: UserId, to: UserId): Promise<Change<'cancelled' | 'none'>>;
  /** Ends a friendship; neither is among the other's chosen people then. */
  remove(userId: UserId, friend: UserId): Promise<Change<'removed' | 'none'>>;
  /** Ends what is between them, but for the rest after a declined request. `refused`: unknown, or oneself; `too_many` comes before it. */
  block(
    userId: UserId,
    other: UserId,
    at: HubMs,
  ): Promise<Change<'blocked' | 'already' | 'refused' | 'too_many'>>;
  /** Makes nobody friends again. */
  unblock(userId: UserId, other: UserId): Promise<Change<'unblocked' | 'none'>>;
  /** Those of `others` whom this person blocks, or who block this person: neither is to be shown the other. */
  blockedAmong(userId: UserId, others: readonly UserId[]): Promise<ReadonlySet<UserId>>;

  /** All requests to this person that wait, the newest first. Not of one moment: one that comes meanwhile may be missing. */
  incoming(userId: UserId): AsyncIterable<PersonSince>;

  /** Of one moment. Empty for a person who is not known. */
  overview(userId: UserId): Promise<Overview>;
  /**
   * People who were in a room together with this one, whoever was met last first; without those blocked by either.
   * @param typed part of the name, whatever its case and accents
   */
  companions(
    userId: UserId,
    query: { readonly typed?: string; readonly limit: number },
  ): Promise<readonly PersonSince[]>;

  /** The code of this person's link, made when it is first asked for; undefined for a person who is not known. */
  codeOf(userId: UserId): Promise<string | undefined>;
  /** Another code; the one before leads nowhere from now on. */
  resetCode(userId: UserId): Promise<string | undefined>;
  /** @param code in upper case. Undefined alike where there is none, and where either of them blocks the other. */
  findByCode(code: string, by: UserId): Promise<Person | undefined>;

  /** In the order asked; those who are not known are left out. */
  profiles(userIds: readonly UserId[]): Promise<readonly Person[]>;
  /** What it is now; undefined for a person who is not known. Rejects with a `RangeError` what may not be. */
  setProfile(userId: UserId, change: ProfileChange): Promise<Person | undefined>;

  /** Undefined for a person who is not known. */
  audience(userId: UserId): Promise<Audience | undefined>;
  /** People chosen who are no friends are left out. Rejects with a `RangeError` what may not be. */
  setAudience(userId: UserId, change: AudienceChange): Promise<AudienceSet>;

  /** Of all friends of `viewer`, of one moment. Whoever is not among them lets the viewer see nothing. */
  grantsFor(viewer: UserId): Promise<readonly Grant[]>;
  /** Of one moment. Version 0 for an author who is not known, or has never changed anything. */
  grantsOf(author: UserId, viewers: readonly UserId[]): Promise<GrantsOf>;

  /** Of many at once, each of one moment; those who are not known are left out. */
  policies(authors: readonly UserId[]): Promise<readonly AuthorPolicy[]>;

  /** Forgets the person at one moment: name, profile, all that is between them and others, and what would bring them back: tokens and links. */
  erase(userId: UserId): Promise<Change<'erased' | 'none'>>;
}
