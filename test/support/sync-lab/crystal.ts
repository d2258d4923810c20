// Owns a crystal of its own for a page: text that goes before any of its scripts, so that page and worker count time at another rate than the machine does.

/** What the text leaves in a page's or worker's global scope. */
export interface MachineTime {
  /** `performance.now()` as the machine counts it. */
  readonly machineNow: () => number;
  readonly machineStamp: (context: AudioContext) => AudioTimestamp;
}

/**
 * All threads of the page count alike, whenever each began.
 * @param ppm how much faster than the machine's
 * @param epochMs Unix ms at which both agree
 */
export function crystalScript(ppm: number, epochMs: number): string {
  return `{
  const now = Performance.prototype.now;
  const of = (ms) => ms + ${ppm * 1e-6} * (performance.timeOrigin + ms - ${epochMs});
  globalThis.machineNow = () => now.call(performance);
  Performance.prototype.now = () => of(now.call(performance));
  if (globalThis.AudioContext) {
    const stamp = AudioContext.prototype.getOutputTimestamp;
    globalThis.machineStamp = (context) => stamp.call(context);
    AudioContext.prototype.getOutputTimestamp = function () {
      const { contextTime, performanceTime } = stamp.call(this);
      return { contextTime, performanceTime: performanceTime && of(performanceTime) };
    };
  }
}
`;
}
