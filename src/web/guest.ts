// Owns who this browser is: a guest's name and token, kept and renewed; must not know rooms or sockets.
import { recall, remember } from './browser-store.ts';
import type { GuestGrant, PageApi } from './page-sdk.ts';

interface StoredGuest {
  readonly name: string;
  readonly token: string;
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
}

function isStoredGuest(value: unknown): value is StoredGuest {
  if (typeof value !== 'object' || value === null) return false;
  const guest = value as Partial<Record<keyof StoredGuest, unknown>>;
  return (
    typeof guest.name === 'string' &&
    typeof guest.token === 'string' &&
    typeof guest.grantedAtMs === 'number' &&
    typeof guest.expiresAtMs === 'number'
  );
}

/** The guest of this browser. A token is renewed in its last quarter, so that a person stays the same person. */
export class Guest {
  readonly #wallNow: () => number;
  #stored: StoredGuest | undefined;
  #underWay: Promise<string> | undefined;

  constructor(wallNow: () => number) {
    this.#wallNow = wallNow;
    this.#reload();
  }

  get name(): string | undefined {
    return this.#stored?.name;
  }

  get storedToken(): string | undefined {
    return this.#isUsable() ? this.#stored?.token : undefined;
  }

  /** Takes `name`: a new guest, or the same one under the new name. */
  async rename(api: PageApi, name: string): Promise<void> {
    if (this.#isUsable() && this.#stored?.name === name) return;
    await this.#grant(api, name);
  }

  /** A token that is good for a while. @throws the SDK's error when the hub gives none */
  token(api: PageApi): Promise<string> {
    // Another tab may have renewed it meanwhile.
    this.#reload();
    const stored = this.#stored;
    if (stored === undefined) return Promise.reject(new Error('a name is needed first'));
    const renewAtMs = stored.expiresAtMs - (stored.expiresAtMs - stored.grantedAtMs) / 4;
    if (this.#wallNow() < renewAtMs) return Promise.resolve(stored.token);
    this.#underWay ??= this.#grant(api, stored.name).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  /** The hub does not know the token any more: the name stays, the person is a new one. */
  expire(): void {
    if (this.#stored === undefined) return;
    this.#stored = { ...this.#stored, expiresAtMs: 0 };
    remember('guest', this.#stored);
  }

  #reload(): void {
    const stored = recall('guest');
    if (isStoredGuest(stored)) this.#stored = stored;
  }

  #isUsable(): boolean {
    return this.#stored !== undefined && this.#wallNow() < this.#stored.expiresAtMs;
  }

  async #grant(api: PageApi, name: string): Promise<string> {
    const grant = this.#isUsable() ? await api.rename(name) : await api.createGuest(name);
    this.#keep(grant);
    return grant.token;
  }

  #keep(grant: GuestGrant): void {
    const now = this.#wallNow();
    this.#stored = {
      name: grant.user.name,
      token: grant.token,
      grantedAtMs: now,
      expiresAtMs: now + grant.expiresInMs,
    };
    remember('guest', this.#stored);
  }
}
