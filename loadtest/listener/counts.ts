// Owns what happened to connections and requests, counted. Judges nothing.

export class Counts {
  opened = 0;
  joined = 0;
  left = 0;
  /** Connections that ended though nobody here wanted it, by code; where there was no handshake, by its reason. */
  readonly ended: Record<string, number> = {};
  /** Connections that were told to go elsewhere. */
  drained = 0;
  framesReceived = 0;
  bytesReceived = 0;
  requests = 0;
  /** Requests answered with an error, by request and code. */
  readonly refused: Record<string, number> = {};
  /** Refusals that say that the room had moved on: two people at once, as in life. */
  stale = 0;
  /** Acts that could not be sent, as nobody was connected who may. */
  unsent = 0;
  /** Acts for which there was no occasion, such as a pause where nothing plays. */
  idle = 0;
  /** Requests whose answer never came, though the connection stayed. */
  unanswered = 0;
  /** Requests that were under way when their connection broke. */
  broken = 0;
  /** People who should be in their room at the end, and are not. */
  lost = 0;

  /** As plain data, of this moment. */
  report(): CountsReport {
    return structuredClone(Object.fromEntries(Object.entries(this))) as CountsReport;
  }

  addEnd(code: string): void {
    this.ended[code] = (this.ended[code] ?? 0) + 1;
  }

  addRefusal(what: string): void {
    this.refused[what] = (this.refused[what] ?? 0) + 1;
  }
}

export type CountsReport = Omit<Counts, 'addEnd' | 'addRefusal' | 'report'>;

type Flat = Record<string, number | Record<string, number>>;

/** Adds up what several threads counted. */
export function addCounts(into: CountsReport, more: CountsReport): void {
  const target = into as unknown as Flat;
  for (const [name, value] of Object.entries(more as unknown as Flat)) {
    const held = target[name];
    if (typeof value === 'number') {
      target[name] = (typeof held === 'number' ? held : 0) + value;
    } else {
      const sums = typeof held === 'object' ? held : {};
      for (const [key, n] of Object.entries(value)) sums[key] = (sums[key] ?? 0) + n;
      target[name] = sums;
    }
  }
}
