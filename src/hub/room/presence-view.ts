// What a room's members are told of who is connected: a view of bounded size, and its differences in batches.
// Knows names and roles; knows no sockets.
import type { UserId } from '../../../protocol/ids.ts';
import type { Present, Push } from '../../../protocol/schemas/pushes.ts';
import type { Role } from '../../../protocol/schemas/room.ts';
import type { Timers } from '../../ports/timers.ts';

export type PresencePush = Omit<Extract<Push, { type: 'room.presence' }>, 'type' | 'roomId'>;

export interface PresenceViewDeps {
  readonly timers: Timers;
  readonly presencePushMs: number;
  readonly maxNamedMembers: number;
  /** How many are connected. */
  count(): number;
  roleOf(userId: UserId): Role;
  push(push: PresencePush): void;
}

/** What has changed since the last push. */
interface Difference {
  readonly joined: Map<UserId, Present>;
  readonly left: Set<UserId>;
  readonly changed: Map<UserId, Present>;
}

export class PresenceView {
  readonly #deps: PresenceViewDeps;
  /** Those whom the members were told of by name. */
  readonly #named = new Map<UserId, Present>();
  /** The names of all others who are connected. Made when it is needed: few rooms are that large. */
  #unnamed: Map<UserId, string> | undefined;
  #version = 0;
  #difference: Difference | undefined;
  #cancelPush: (() => void) | undefined;
  #membersJson: string | undefined;

  constructor(deps: PresenceViewDeps) {
    this.#deps = deps;
  }

  /** Somebody has come, or is called otherwise now. */
  joined(userId: UserId, name: string): void {
    // The count has changed, whoever is named.
    this.#pending();
    const role = this.#deps.roleOf(userId);
    const isFull = this.#named.size >= this.#deps.maxNamedMembers;
    if (isFull && role === 'listener' && !this.#named.has(userId)) {
      this.#unnamed ??= new Map();
      this.#unnamed.set(userId, name);
    } else {
      this.#show(userId, { name, role });
    }
  }

  left(userId: UserId): void {
    this.#pending();
    if (this.#unnamed?.delete(userId) === true) return;
    this.#hide(userId);
    this.#fill();
  }

  /** Roles may have changed: whoever is shown with another one is told of, and whoever holds one is shown. */
  refreshRoles(): void {
    for (const [userId, present] of this.#named) {
      const role = this.#deps.roleOf(userId);
      if (role === present.role) continue;
      if (role === 'listener' && this.#named.size > this.#deps.maxNamedMembers) {
        this.#hide(userId);
        this.#unnamed ??= new Map();
        this.#unnamed.set(userId, present.name);
      } else {
        this.#show(userId, { ...present, role });
      }
    }
    for (const [userId, name] of this.#unnamed ?? []) {
      const role = this.#deps.roleOf(userId);
      if (role === 'listener') continue;
      this.#unnamed?.delete(userId);
      this.#show(userId, { name, role });
    }
  }

  /**
   * The view as JSON text. It may be ahead of its version by what the next push will tell: the difference sets what is set and
   * removes what is gone, so it does no harm twice, and a join need not make everybody hear of it at once (RM9).
   */
  json(): string {
    this.#membersJson ??= JSON.stringify(Object.fromEntries(this.#named));
    return `{"version":${this.#version},"count":${this.#deps.count()},"members":${this.#membersJson}}`;
  }

  stop(): void {
    this.#cancelPush?.();
  }

  /** Somebody has left the list: those who had no place in it move up. */
  #fill(): void {
    for (const [userId, name] of this.#unnamed ?? []) {
      if (this.#named.size >= this.#deps.maxNamedMembers) return;
      this.#unnamed?.delete(userId);
      this.#show(userId, { name, role: this.#deps.roleOf(userId) });
    }
    this.#unnamed = undefined;
  }

  #show(userId: UserId, present: Present): void {
    const { joined, left, changed } = this.#pending();
    const isNews = !this.#named.has(userId);
    this.#named.set(userId, present);
    this.#membersJson = undefined;
    // Gone and back within one window is no news, except of the name and the role.
    if (left.delete(userId) || !isNews) {
      if (joined.has(userId)) joined.set(userId, present);
      else changed.set(userId, present);
    } else {
      joined.set(userId, present);
    }
  }

  #hide(userId: UserId): void {
    if (!this.#named.delete(userId)) return;
    this.#membersJson = undefined;
    const { joined, left, changed } = this.#pending();
    joined.delete(userId);
    changed.delete(userId);
    // Even who came in this window: a view that was taken meanwhile has them (RM9).
    left.add(userId);
  }

  /** What the next push will tell; it is on its way from now on. */
  #pending(): Difference {
    this.#cancelPush ??= this.#deps.timers.after(this.#deps.presencePushMs, () => this.#push());
    this.#difference ??= { joined: new Map(), left: new Set(), changed: new Map() };
    return this.#difference;
  }

  #push(): void {
    const { joined, left, changed } = this.#pending();
    this.#cancelPush = undefined;
    this.#difference = undefined;
    this.#version += 1;
    this.#deps.push({
      version: this.#version,
      count: this.#deps.count(),
      ...(joined.size === 0 ? {} : { joined: Object.fromEntries(joined) }),
      ...(left.size === 0 ? {} : { left: [...left] }),
      ...(changed.size === 0 ? {} : { changed: Object.fromEntries(changed) }),
    });
  }
}
