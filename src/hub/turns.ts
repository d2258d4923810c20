// So many at a time, the others in the order in which they came. Knows nothing of what is done.

/** A place that is wanted, and then had. */
export interface Turn {
  readonly come: Promise<void>;
  /** Also before it has come; more than once does no harm. */
  giveBack(): void;
}

export class Turns {
  #free: number;
  /** By the turn, in the order in which they are to be had. */
  readonly #waiting = new Map<Turn, () => void>();
  readonly #had = new Set<Turn>();

  /** @param atOnce how many have theirs at the same time, 1 or more */
  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  take(): Turn {
    let letIn: () => void = () => undefined;
    const turn: Turn = {
      come: new Promise((resolve) => (letIn = resolve)),
      giveBack: () => {
        if (this.#waiting.delete(turn) || !this.#had.delete(turn)) return;
        this.#free += 1;
        this.#next();
      },
    };
    this.#waiting.set(turn, letIn);
    this.#next();
    return turn;
  }

  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#free === 0) return;
    const [turn, letIn] = first;
    this.#waiting.delete(turn);
    this.#had.add(turn);
    this.#free -= 1;
    letIn();
  }
}
