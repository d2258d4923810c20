// A fault of what is around the process rather than of the process.

/** What keeps the process from starting, or from going on, and what a person can mend: its message is one line that says how. */
export class OperationalError extends Error {}
