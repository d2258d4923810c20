// The port to hub time: the one timeline that anchors, stamps and clock replies are on.
import type { HubMs } from '../../protocol/ids.ts';

export interface HubClock {
  /** Hub time in ms, fractional, monotonic within a timeline. Cheap: it is read twice for each clock probe. */
  now(): HubMs;
  /** 0–65535. Another value means that hub time is not continuous with what was told before. */
  readonly timelineId: number;
}
