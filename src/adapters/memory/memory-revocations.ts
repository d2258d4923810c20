// What an operator has taken back, in memory.
import { randomUUID } from 'node:crypto';
import {
  isInForce,
  subjectOf,
  type Revocation,
  type RevocationChange,
  type RevocationDraft,
  type Revocations,
} from '../../ports/revocations.ts';

export class MemoryRevocations implements Revocations {
  readonly #all = new Map<string, RevocationChange>();
  #changes = 0;

  add(draft: RevocationDraft): Promise<Revocation> {
    const same = [...this.#all.values()].find(
      ({ revocation }) =>
        revocation.kind === draft.kind && subjectOf(revocation) === subjectOf(draft),
    );
    return Promise.resolve(this.#set({ ...draft, id: same?.revocation.id ?? randomUUID() }));
  }

  lift(id: string, at: number): Promise<Revocation | undefined> {
    const kept = this.#all.get(id)?.revocation;
    if (kept === undefined || !isInForce(kept, at)) return Promise.resolve(undefined);
    return Promise.resolve(this.#set({ ...kept, endsAt: at }));
  }

  changes(since: number | undefined, at: number): Promise<readonly RevocationChange[]> {
    return Promise.resolve(
      [...this.#all.values()].filter(({ revocation, changedAt }) =>
        since === undefined ? isInForce(revocation, at) : changedAt >= since,
      ),
    );
  }

  page(at: number, limit: number, after = ''): Promise<readonly Revocation[]> {
    const found = [...this.#all.values()]
      .map(({ revocation }) => revocation)
      .filter((each) => isInForce(each, at) && each.id > after)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    return Promise.resolve(found.slice(0, limit));
  }

  #set(revocation: Revocation): Revocation {
    this.#changes += 1;
    this.#all.set(revocation.id, { revocation, changedAt: this.#changes });
    return revocation;
  }
}
