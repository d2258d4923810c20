// What a room's members are told of who is connected: a view of bounded size, and its differences in batches.
// Knows names and roles; knows no sockets.
import type { UserId } from '../../protocol/ids.ts';
import type { Present, Push } from '../../protocol/schemas/pushes.ts';
import type { Role } from '../../protocol/schemas/room.ts';
import type { Timers } from '../ports/timers.ts';

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
  #version = 0;
  #difference: Difference | undefined;
  #cancelPush: (() => void) | undefined;
  #membersJson: string | undefined;

  constructor(deps: PresenceViewDeps) {
    this.#deps = deps;
  }

  joined(userId: UserId, name: string): void {
    const present: Present = { name, role: this.#deps.roleOf(userId) };
    const { joined, left, changed } = this.#pending();
    if (this.#named.size >= this.#deps.maxNamedMembers && present.role === 'listener') return;
    this.#name(userId, present);
    // Gone and back within one window is no news, except of the name.
    if (left.delete(userId)) changed.set(userId, present);
    else joined.set(userId, present);
  }

  left(userId: UserId): void {
    const { joined, left, changed } = this.#pending();
    if (!this.#named.delete(userId)) return;
    this.#membersJson = undefined;
    changed.delete(userId);
    if (!joined.delete(userId)) left.add(userId);
  }

  /** Roles may have changed: whoever is shown with another one is told of. */
  refreshRoles(): void {
    for (const [userId, present] of this.#named) {
      const role = this.#deps.roleOf(userId);
      if (role === present.role) continue;
      const changed = { ...present, role };
      this.#name(userId, changed);
      const difference = this.#pending();
      if (difference.joined.has(userId)) difference.joined.set(userId, changed);
      else difference.changed.set(userId, changed);
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

  #name(userId: UserId, present: Present): void {
    this.#named.set(userId, present);
    this.#membersJson = undefined;
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
