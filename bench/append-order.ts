// Whether what was acknowledged came in one order without a gap: each revision of a room once, and each person's in the order of their requests.

export interface OrderFaults {
  /** Acknowledged revisions in all. */
  readonly revisions: number;
  /** Between the first and the last of a room, acknowledged to nobody. */
  readonly missing: number;
  /** Acknowledged to two. */
  readonly twice: number;
  /** Answers that came before that of an earlier request of the same person, or with a revision that is not above the last. */
  readonly outOfOrder: number;
}

interface Last {
  id: number;
  revision: number;
}

export class OrderCheck {
  readonly #revisions = new Map<number, number[]>();
  readonly #last = new Map<string, Last>();
  #outOfOrder = 0;

  /** @param room and `person` within it by number */
  acknowledged(room: number, person: number, id: number, revision: number): void {
    const revisions = this.#revisions.get(room) ?? [];
    this.#revisions.set(room, revisions);
    revisions.push(revision);
    const who = `${room} ${person}`;
    const last = this.#last.get(who);
    if (last === undefined) {
      this.#last.set(who, { id, revision });
      return;
    }
    if (id <= last.id || revision <= last.revision) this.#outOfOrder += 1;
    last.id = id;
    last.revision = revision;
  }

  faults(): OrderFaults {
    let [count, missing, twice] = [0, 0, 0];
    for (const revisions of this.#revisions.values()) {
      const sorted = revisions.sort((a, b) => a - b);
      count += sorted.length;
      for (let i = 1; i < sorted.length; i += 1) {
        const step = (sorted[i] ?? 0) - (sorted[i - 1] ?? 0);
        if (step === 0) twice += 1;
        else missing += step - 1;
      }
    }
    return { revisions: count, missing, twice, outOfOrder: this.#outOfOrder };
  }
}
