// Owns the list of what went wrong: counted whole, and the first few of each kind told in words. Judges nothing.

/** What no hub may do, and no network between a listener and it can excuse (SPEC: RM2, RM6, CH1, RM9, FE1 to FE3). */
export const FAULT_KINDS = {
  missing: 'a number of the sequence, or a track of a friend, never came by itself',
  twice: 'a number of the sequence came again',
  out_of_order: 'a later number came before an earlier one',
  wrong_room: 'it belongs to a room that the listener is not in',
  leaked: 'somebody saw what they may not see, or did not ask for',
  contradicted: 'one number stands for two different things',
  wrong_hash: 'the state that results is not the one that the hub hashed',
  unseen: 'it was acknowledged, and those who should have it do not',
  unreadable: 'a frame that no hub should send',
} as const;

export type FaultKind = keyof typeof FAULT_KINDS;
/** Whatever is numbered. */
export type Stream = 'revision' | 'chat' | 'presence' | 'feed' | 'frame';

export interface Fault {
  readonly kind: FaultKind;
  readonly stream: Stream;
  /** How many numbers it concerns. */
  readonly count: number;
  /** Who it happened to, and where: for whoever looks for the cause. */
  readonly detail: string;
}

export interface FaultCount {
  readonly kind: FaultKind;
  readonly stream: Stream;
  readonly count: number;
  /** The first of them. */
  readonly examples: readonly string[];
}

const EXAMPLES = 5;

export class Faults {
  readonly #counts = new Map<
    string,
    { count: number; examples: string[] } & Pick<Fault, 'kind' | 'stream'>
  >();

  add({ kind, stream, count, detail }: Fault): void {
    const key = `${stream} ${kind}`;
    let entry = this.#counts.get(key);
    if (entry === undefined) {
      entry = { kind, stream, count: 0, examples: [] };
      this.#counts.set(key, entry);
    }
    entry.count += count;
    if (entry.examples.length < EXAMPLES) entry.examples.push(detail);
  }

  addCounts(counts: readonly FaultCount[]): void {
    for (const { kind, stream, count, examples } of counts) {
      examples.forEach((detail, at) => {
        this.add({ kind, stream, count: at === 0 ? count : 0, detail });
      });
    }
  }

  get total(): number {
    return this.list().reduce((sum, { count }) => sum + count, 0);
  }

  list(): FaultCount[] {
    return [...this.#counts.values()].map((entry) => ({ ...entry, examples: [...entry.examples] }));
  }
}
