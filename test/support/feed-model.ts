// What a feed ought to show, said as plainly as can be: who is a friend of whom, who lets whom see, what each listens to. Knows no hub.

export interface Played {
  readonly activityId: string;
  readonly title: string;
  readonly begunAt: number;
  /** When it sounds, where that is later than it was begun. */
  readonly soundsAt?: number;
  /** How much later than usual it may be shown, ms. */
  readonly slackMs?: number;
  /** Whether friends could ever have seen it. */
  wasPublic: boolean;
  /** Whether any of it was heard where it does not show: then nobody ever sees it. */
  isPrivate: boolean;
  /** Whether that was in a private session: then whoever reads it is never let, whatever their node has heard. */
  isOfSession?: boolean;
  /** It was public, and nobody could tell their node that it is so no more before it was over: that may show it still. */
  mayStay?: boolean;
  isRemoved: boolean;
}

export interface Person {
  readonly friends: Set<number>;
  readonly blocked: Set<number>;
  audience: 'friends' | 'chosen' | 'nobody';
  chosen: Set<number>;
  privateUntil: number;
  /** What they listen to now; shown once it has played for five seconds. */
  live: Played | undefined;
  /** What their room played before it: shown while the next one is not. */
  lingers: { readonly played: Played; readonly until: number } | undefined;
  readonly past: Played[];
  /** Whether anything was ever private or removed: then what is held of the past may be less than all. */
  hasHidden: boolean;
}

/** What somebody may hold of a friend: one of these, or nothing where `mustHold` is absent. */
export interface MayHold {
  readonly live: ReadonlySet<string>;
  readonly ended: ReadonlySet<string>;
  /** The activity that is to be held, if one is for certain. */
  readonly mustHold: string | undefined;
}

/** In a private session, or in a room that does not show what it plays. */
export type HiddenIn = 'session' | 'room';

const SHOWN_AFTER_MS = 5_000;
/** It is looked at each second. */
const SURELY_SHOWN_MS = 7_000;
const OPENS_MS = 2_000;
const NOTHING: MayHold = { live: new Set(), ended: new Set(), mustHold: undefined };

export class FeedModel {
  readonly people = new Map<number, Person>();
  readonly #now: () => number;
  /** Whether what is hidden there may be shown on, as the words of it may not come through. */
  readonly #isBlind: (where: HiddenIn) => boolean;

  constructor(count: number, now: () => number, isBlind: (where: HiddenIn) => boolean) {
    this.#now = now;
    this.#isBlind = isBlind;
    for (let n = 1; n <= count; n += 1) {
      this.people.set(n, {
        friends: new Set(),
        blocked: new Set(),
        audience: 'friends',
        chosen: new Set(),
        privateUntil: -Infinity,
        live: undefined,
        lingers: undefined,
        past: [],
        hasHidden: false,
      });
    }
  }

  person(n: number): Person {
    const person = this.people.get(n);
    if (person === undefined) throw new RangeError(`nobody is ${n}`);
    return person;
  }

  befriend(a: number, b: number): void {
    this.person(a).friends.add(b);
    this.person(b).friends.add(a);
  }

  part(a: number, b: number): void {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.person(one).friends.delete(other);
      this.person(one).chosen.delete(other);
    }
  }

  /** Whether the viewer may see anything of the author now. */
  lets(author: number, viewer: number): boolean {
    const { friends, audience, chosen, privateUntil } = this.person(author);
    if (author === viewer || !friends.has(viewer) || privateUntil > this.#now()) return false;
    return audience === 'friends' || (audience === 'chosen' && chosen.has(viewer));
  }

  /** What a part of was heard in a private session. */
  ofSessions(author: number): readonly string[] {
    const { live, past } = this.person(author);
    return [...past, ...(live === undefined ? [] : [live])].flatMap(
      ({ activityId, isOfSession }) => (isOfSession === true ? [activityId] : []),
    );
  }

  mayHold(author: number, viewer: number): MayHold {
    if (!this.lets(author, viewer)) return NOTHING;
    const { live, lingers, past, hasHidden, privateUntil } = this.person(author);
    // What was hidden is shown again by the next look at it.
    const isOpening = this.#now() - privateUntil < OPENS_MS;
    const playedMs =
      live === undefined || live.isRemoved || live.isPrivate ? -1 : this.#now() - live.begunAt;
    const isShown = live !== undefined && playedMs >= SHOWN_AFTER_MS;
    const seen = past.filter((each) => each.wasPublic && !each.isRemoved && !each.isPrivate);
    const staying = [...past, ...(live === undefined ? [] : [live])].filter(
      (each) => each.mayStay === true && !each.isRemoved,
    );
    const latest = hasHidden ? undefined : seen.at(-1)?.activityId;
    const before = lingers !== undefined && this.#now() < lingers.until ? [lingers.played] : [];
    const lingering = seen.filter((each) => before.includes(each));
    return {
      live: new Set([
        ...(isShown ? [live.activityId] : []),
        ...lingering.map(({ activityId }) => activityId),
      ]),
      ended: new Set([
        ...[...seen, ...staying].map(({ activityId }) => activityId),
        ...(isOpening && isShown ? [live.activityId] : []),
      ]),
      mustHold: isOpening
        ? undefined
        : !isShown
          ? latest
          : playedMs >= SURELY_SHOWN_MS + (live.slackMs ?? 0)
            ? live.activityId
            : undefined,
    };
  }

  /** To be called whenever time has passed or a policy has changed. */
  look(): void {
    const now = this.#now();
    for (const person of this.people.values()) {
      const { live } = person;
      // What is to sound after the session is no part of it, also where the session is ended before its time.
      const soundsAt = Math.max(live?.begunAt ?? 0, live?.soundsAt ?? 0);
      if (live !== undefined && now >= soundsAt && person.privateUntil > soundsAt)
        this.hide(person, 'session');
      if (live === undefined || now - live.begunAt < SHOWN_AFTER_MS) continue;
      // What was private when it could first be seen stays so, also where that was a moment ago.
      if (now - person.privateUntil < OPENS_MS) person.hasHidden = true;
      if (person.privateUntil <= now) live.wasPublic = true;
    }
  }

  /** What they listen to now shows to nobody, from now on. */
  hide(person: Person, where: HiddenIn = 'room'): void {
    const { live } = person;
    person.hasHidden = true;
    if (live === undefined) return;
    if (!live.isPrivate && live.wasPublic && this.#isBlind(where)) live.mayStay = true;
    live.isPrivate = true;
    if (where === 'session') live.isOfSession = true;
  }

  /** For whoever reads a failure. */
  describe(n: number): string {
    const { friends, blocked, audience, chosen, privateUntil, live, past } = this.person(n);
    const lists = { friends: [...friends], blocked: [...blocked], chosen: [...chosen] };
    return JSON.stringify({ ...lists, audience, privateUntil, live, past, now: this.#now() });
  }

  /** What they listen to now. */
  begin(n: number, played: Played): void {
    const person = this.person(n);
    // Who comes back to a room in which it still plays goes on with what they heard there.
    // All hearings of a play are one activity: what was private in one of them is not shown in a later one.
    for (const before of person.past) {
      if (before.activityId !== played.activityId) continue;
      played.isPrivate ||= before.isPrivate;
      played.isOfSession ||= before.isOfSession === true;
      played.isRemoved ||= before.isRemoved;
    }
    person.live = played;
    if (played.isPrivate) person.hasHidden = true;
    this.look();
  }

  /** Their connection is gone: what has hardly begun by then may never be shown. */
  lose(n: number): void {
    const person = this.person(n);
    const { live } = person;
    if (live === undefined) return;
    const playedMs = this.#now() - live.begunAt;
    if (playedMs < SURELY_SHOWN_MS + (live.slackMs ?? 0)) person.hasHidden = true;
  }

  /** What they listen to is over, or will be in a moment. */
  end(n: number, endsAt = this.#now()): void {
    this.look();
    const person = this.person(n);
    const { live } = person;
    if (live === undefined) return;
    person.live = undefined;
    person.lingers = undefined;
    const playedMs = endsAt - live.begunAt;
    if (playedMs >= SHOWN_AFTER_MS) {
      if (person.privateUntil <= endsAt) live.wasPublic = true;
      person.past.push(live);
    }
    // It may have been shown, or not yet.
    if (playedMs >= SHOWN_AFTER_MS && playedMs < SURELY_SHOWN_MS + (live.slackMs ?? 0))
      person.hasHidden = true;
  }
}
