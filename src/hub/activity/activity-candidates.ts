// What the listening people of this node listen to, one activity a place: whether it is private, and what the history is told of it.
// Knows the history; knows neither feed nor stores.
import type { HubMs } from '../../../protocol/ids.ts';
import { PAUSE_LASTS_MS } from '../../domain/now-playing.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import { isPrivate, type Author, type Candidate, type Source } from './activity-author.ts';
import type { Ending } from './activity-endings.ts';
import type { ActivityHistory } from './activity-history.ts';
import type { Activity } from '../listening/live-activity.ts';

export interface ActivityCandidatesDeps {
  readonly clock: HubClock;
  readonly history: ActivityHistory;
}

export class ActivityCandidates {
  readonly #deps: ActivityCandidatesDeps;
  #order = 0;

  constructor(deps: ActivityCandidatesDeps) {
    this.#deps = deps;
  }

  /**
   * Somebody listens to this there.
   * @returns whether it has begun: their policy is then to be asked for
   */
  take(author: Author, source: Source, activity: Activity): boolean {
    const before = author.candidates.get(source);
    if (before !== undefined) {
      // They began with it when they first did, whatever the room did to it since.
      const went = { ...activity, at: before.activity.at };
      const candidate = { ...before, activity: went };
      author.candidates.set(source, candidate);
      this.#checkPrivate(author, candidate);
      return false;
    }
    this.#order += 1;
    const { positionAt, positionMs, track, activityId } = activity;
    const overAt = positionAt + track.durationMs - positionMs + PAUSE_LASTS_MS;
    const candidate: Candidate = {
      ...{ activity, order: this.#order, overAt },
      ...{ isPrivate: undefined, wasPublic: false },
    };
    author.candidates.set(source, candidate);
    if (this.#deps.history.isRemoved(author.id, activityId))
      author.withheld.add(activityId, 'removed', this.#deps.clock.now());
    candidate.isPrivate = isPrivate(author, activity);
    if (candidate.isPrivate === true) this.#hide(author, candidate);
    this.#record(author, candidate);
    return true;
  }

  /** More is known of their policy, or of what is withheld. */
  check(author: Author): void {
    for (const candidate of author.candidates.values()) this.#checkPrivate(author, candidate);
  }

  /** Tells what is over, where it is known whether it was private, or cannot be. */
  settleEndings(author: Author): void {
    if (author.isAsking) return;
    author.endings.settle(
      (candidate) => {
        if (candidate.isPrivate === true) return true;
        return author.isUnanswered ? undefined : isPrivate(author, candidate.activity);
      },
      (ending, answer) => this.#tellEnd(author, ending, answer),
    );
  }

  /** What was private once stays so; what was not may become so while it lasts. */
  #checkPrivate(author: Author, candidate: Candidate): void {
    if (candidate.isPrivate === true) return;
    const now = isPrivate(author, candidate.activity);
    if (now === undefined || candidate.isPrivate === now) return;
    const wasTaken = candidate.isPrivate !== undefined || !now;
    candidate.isPrivate = now;
    if (now) this.#hide(author, candidate);
    if (wasTaken) this.#record(author, candidate);
  }

  #tellEnd(
    author: Author,
    { candidate, endedAt }: Ending<Candidate>,
    isPrivate: boolean | undefined,
  ): void {
    if (isPrivate === true) this.#hide(author, candidate);
    this.#record(author, { ...candidate, isPrivate }, endedAt);
  }

  #hide(author: Author, { activity }: Candidate): void {
    author.withheld.add(activity.activityId, 'hidden', this.#deps.clock.now());
  }

  #record(author: Author, candidate: Candidate, endedAt?: HubMs): void {
    const { history } = this.#deps;
    const { activity, isPrivate = true, wasPublic } = candidate;
    if (history.isRemoved(author.id, activity.activityId)) return;
    const isTold = history.played(author.id, activity, { isPrivate, wasPublic, endedAt });
    candidate.wasPublic ||= isTold && !isPrivate;
  }
}
