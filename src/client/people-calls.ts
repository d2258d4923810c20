// Owns the typed calls about people: friends, requests, blocks, the profile and the devices of an account. Knows no socket.
import type { HubMs, UserId } from '../../protocol/ids.ts';
import type { User } from '../../protocol/schemas/pushes.ts';
import type { RestCall } from './rest-call.ts';

export interface Profile {
  readonly userId: UserId;
  readonly name: string;
  /** The name of a colour. */
  readonly colour: string;
  /** An https URL. */
  readonly picture?: string;
}

export interface PersonSince extends Profile {
  /** Since when: friends, blocked, asked, or met. */
  readonly at: HubMs;
}

/** Each list the newest first. */
export interface Overview {
  readonly friends: readonly PersonSince[];
  /** The newest; `incomingCount` is of all. */
  readonly incoming: readonly PersonSince[];
  readonly incomingCount: number;
  readonly outgoing: readonly PersonSince[];
  readonly blocked: readonly PersonSince[];
}

export interface Device {
  readonly id: string;
  readonly label: string;
  readonly createdAt: HubMs;
  /** To about a minute. */
  readonly usedAt: HubMs;
}

/** A code that takes the account to another device, once. */
export interface AccountLink {
  readonly code: string;
  readonly expiresAt: HubMs;
}

export interface ProfileChange {
  readonly name?: string;
  readonly colour?: string;
  /** null for none. */
  readonly picture?: string | null;
}

/** A profile after a change, and a guest's token that has its name, which ends when the one before does. */
export interface ProfileGrant {
  /** Absent for an operator's people, whose tokens are the operator's. */
  readonly token?: string;
  readonly expiresInMs?: number;
  readonly user: User;
  readonly profile: Profile;
}

interface WirePerson {
  readonly id: UserId;
  readonly name: string;
  readonly colour: string;
  readonly picture?: string;
}

/** All calls reject with an `EarshotError`; people who are hidden are `not_found`, as those who are not there. */
export class PeopleCalls {
  readonly #call: RestCall;

  constructor(call: RestCall) {
    this.#call = call;
  }

  async overview(): Promise<Overview> {
    type Wire = {
      readonly [K in keyof Overview]: Overview[K] extends number ? number : WireSince[];
    };
    const found = await this.#call<Wire>('GET', '/v1/friends');
    return {
      friends: found.friends.map(sinceOf),
      incoming: found.incoming.map(sinceOf),
      incomingCount: found.incomingCount,
      outgoing: found.outgoing.map(sinceOf),
      blocked: found.blocked.map(sinceOf),
    };
  }

  /** The code of one's own link: whoever has it may ask to be a friend. */
  async code(): Promise<string> {
    return (await this.#call<{ code: string }>('GET', '/v1/friends/code')).code;
  }

  /** Another code: the one before leads nowhere from now on. */
  async newCode(): Promise<string> {
    return (await this.#call<{ code: string }>('POST', '/v1/friends/code')).code;
  }

  /** Whose link it is. */
  async personOf(code: string): Promise<Profile> {
    return profileOf(await this.#call<WirePerson>('GET', `/v1/people/${encodeURIComponent(code)}`));
  }

  /** People who were in a room with this person, the latest first. @param typed a part of the name */
  async met(typed = ''): Promise<readonly PersonSince[]> {
    const query = typed === '' ? '' : `?${new URLSearchParams({ q: typed }).toString()}`;
    const { people } = await this.#call<{ people: WireSince[] }>('GET', `/v1/people${query}`);
    return people.map(sinceOf);
  }

  /** `friends` where the other had asked already. */
  async ask(
    whom: { readonly userId: UserId } | { readonly code: string },
  ): Promise<'sent' | 'friends'> {
    type Answer = { readonly status: 'sent' | 'friends' };
    return (await this.#call<Answer>('POST', '/v1/friends/requests', whom)).status;
  }

  async accept(userId: UserId): Promise<void> {
    await this.#call('POST', `/v1/friends/requests/${userId}/accept`);
  }

  async decline(userId: UserId): Promise<void> {
    await this.#call('POST', `/v1/friends/requests/${userId}/decline`);
  }

  /** Takes one's own request back. */
  async cancel(userId: UserId): Promise<void> {
    await this.#call('DELETE', `/v1/friends/requests/${userId}`);
  }

  async remove(userId: UserId): Promise<void> {
    await this.#call('DELETE', `/v1/friends/${userId}`);
  }

  async block(userId: UserId): Promise<void> {
    await this.#call('PUT', `/v1/blocks/${userId}`);
  }

  async unblock(userId: UserId): Promise<void> {
    await this.#call('DELETE', `/v1/blocks/${userId}`);
  }

  async profile(): Promise<Profile> {
    return profileOf(await this.#call<WirePerson>('GET', '/v1/me'));
  }

  async setProfile(change: ProfileChange): Promise<ProfileGrant> {
    type Answer = Omit<ProfileGrant, 'user' | 'profile'> & { readonly user: User & WirePerson };
    const { user, ...granted } = await this.#call<Answer>('PATCH', '/v1/me', change);
    const { id, name, guest } = user;
    return { ...granted, user: { id, name, guest }, profile: profileOf(user) };
  }

  /** The one used last first. */
  async devices(): Promise<readonly Device[]> {
    return (await this.#call<{ devices: Device[] }>('GET', '/v1/me/devices')).devices;
  }

  /** That device has the account no more: its tokens work no more, and its connections are closed. */
  async revokeDevice(id: string): Promise<void> {
    await this.#call('DELETE', `/v1/me/devices/${encodeURIComponent(id)}`);
  }

  /** For guests; `conflict` for an operator's people. */
  link(): Promise<AccountLink> {
    return this.#call<AccountLink>('POST', '/v1/me/link');
  }
}

type WireSince = WirePerson & { readonly at: HubMs };

export function profileOf({ id, name, colour, picture }: WirePerson): Profile {
  return { userId: id, name, colour, ...(picture === undefined ? {} : { picture }) };
}

function sinceOf(person: WireSince): PersonSince {
  return { ...profileOf(person), at: person.at };
}
