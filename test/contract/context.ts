// What the contract suites are given: the stores under test, and how to open them again.
import type { Stores } from '../support/postgres-stores.ts';

/** Of the stores, the part that a contract is about. */
export interface ContextOf<Part extends keyof Stores> {
  readonly stores: () => Pick<Stores, Part>;
  readonly underTest: {
    /** A second writer beside the first. Absent where there can be none. */
    readonly openSecond?: () => Promise<Pick<Stores, Part>>;
    /** Absent where nothing outlives the process. */
    readonly reopen?: unknown;
    /** Whether it may lose its end, or all, as a server whose replica takes over. */
    readonly canLose?: boolean;
  };
  /** Closes the stores and opens them again; what `stores` answers afterwards. */
  reopen(): Promise<Pick<Stores, Part>>;
}

export type ContractContext = ContextOf<keyof Stores>;
