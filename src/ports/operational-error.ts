// A fault of what is around the process rather than of the process.

/** What a person can mend and the process cannot: its message says how, in one line for each fault, and needs no stack beside it. */
export class OperationalError extends Error {}
