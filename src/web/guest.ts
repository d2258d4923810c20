// Owns who this browser is: a guest's name, token and the secret that brings a new token, kept and renewed; must not know rooms or sockets.
import type { UserId } from '../../protocol/ids.ts';
import { forget, recall, remember } from './browser-store.ts';
import { deviceLabel } from './device-label.ts';
import type { GuestGrant, PageApi } from './page-sdk.ts';

interface StoredGuest {
  readonly name: string;
  readonly token: string;
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
  /** Of this device: whoever has it is this person until it is revoked. */
  readonly secret?: string;
  readonly deviceId?: string;
  readonly userId?: UserId;
}

function isStoredGuest(value: unknown): value is StoredGuest {
  if (typeof value !== 'object' || value === null) return false;
  const guest = value as Partial<Record<keyof StoredGuest, unknown>>;
  return (
    typeof guest.name === 'string' &&
    typeof guest.token === 'string' &&
    typeof guest.grantedAtMs === 'number' &&
    typeof guest.expiresAtMs === 'number' &&
    [guest.secret, guest.deviceId, guest.userId].every(
      (part) => part === undefined || typeof part === 'string',
    )
  );
}

/** The guest of this browser. A token is renewed in its last quarter, so that a person stays the same person. */
export class Guest {
  readonly #wallNow: () => number;
  readonly #codeOf: (error: unknown) => string | undefined;
  #stored: StoredGuest | undefined;
  #underWay: Promise<string> | undefined;

  constructor(wallNow: () => number, codeOf: (error: unknown) => string | undefined) {
    this.#wallNow = wallNow;
    this.#codeOf = codeOf;
    this.#reload();
  }

  get name(): string | undefined {
    return this.#stored?.name;
  }

  get userId(): UserId | undefined {
    return this.#stored?.userId;
  }

  /** Which of the account's devices this is; undefined where no secret was given to it. */
  get deviceId(): string | undefined {
    return this.#stored?.deviceId;
  }

  get storedToken(): string | undefined {
    return this.#isUsable() ? this.#stored?.token : undefined;
  }

  /** Takes `name`: a new guest, or the same one under the new name. */
  async rename(api: PageApi, name: string): Promise<void> {
    if (this.#stored?.name === name && (this.#isUsable() || this.#stored.secret !== undefined)) {
      await this.token(api);
      return;
    }
    if (!this.#isUsable() && this.#stored?.secret !== undefined) await this.token(api);
    this.#keep(
      this.#isUsable() ? await api.rename(name) : await api.createGuest(name, deviceLabel()),
    );
  }

  /** A token that is good for a while. @throws the SDK's error when the hub gives none */
  token(api: PageApi): Promise<string> {
    // Another tab may have renewed it meanwhile.
    this.#reload();
    const stored = this.#stored;
    if (stored === undefined) return Promise.reject(new Error('a name is needed first'));
    const renewAtMs = stored.expiresAtMs - (stored.expiresAtMs - stored.grantedAtMs) / 4;
    if (this.#wallNow() < renewAtMs) return Promise.resolve(stored.token);
    this.#underWay ??= this.#renew(api, stored).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  /** Becomes the person of `grant`, in the place of whoever this was. */
  adopt(grant: GuestGrant): void {
    this.#stored = undefined;
    this.#keep(grant);
  }

  /** The hub does not know the token any more: the secret may bring another; without one the name stays, the person is a new one. */
  expire(): void {
    if (this.#stored === undefined) return;
    this.#stored = { ...this.#stored, expiresAtMs: 0 };
    remember('guest', this.#stored);
  }

  /** This browser is nobody from now on. */
  forget(): void {
    this.#stored = undefined;
    forget('guest');
  }

  #reload(): void {
    const stored = recall('guest');
    if (isStoredGuest(stored)) this.#stored = stored;
  }

  #isUsable(): boolean {
    return this.#stored !== undefined && this.#wallNow() < this.#stored.expiresAtMs;
  }

  async #renew(api: PageApi, { secret, name, token }: StoredGuest): Promise<string> {
    if (secret !== undefined) {
      try {
        return this.#keep(await api.tokenFor(secret));
      } catch (error) {
        // The device was revoked, or the hub was set up anew: whoever comes next is somebody else.
        if (this.#codeOf(error) !== 'unauthorised') throw error;
        this.#stored = undefined;
        return this.#keep(await api.createGuest(name, deviceLabel()));
      }
    }
    // Without one the hub makes no token last longer.
    if (this.#isUsable()) return token;
    return this.#keep(await api.createGuest(name, deviceLabel()));
  }

  #keep({ token, expiresInMs, user, device }: GuestGrant): string {
    const now = this.#wallNow();
    // Never one person's secret with another's token.
    const before = this.#stored?.userId === user.id ? this.#stored : undefined;
    const secret = device?.secret ?? before?.secret;
    const deviceId = device?.id ?? before?.deviceId;
    this.#stored = {
      name: user.name,
      token,
      grantedAtMs: now,
      expiresAtMs: now + expiresInMs,
      userId: user.id,
      ...(secret !== undefined && { secret }),
      ...(deviceId !== undefined && { deviceId }),
    };
    remember('guest', this.#stored);
    return token;
  }
}
