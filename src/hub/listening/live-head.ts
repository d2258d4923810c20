// What is live of somebody by what the feed holds of them: a node that died, or could not say an end, may have left its word there.
// Knows neither feed nor nodes.
import type { HubMs } from '../../../protocol/ids.ts';
import { LINGERS_MS, PAUSE_LASTS_MS, SOLO_LASTS_MS } from '../../domain/now-playing.ts';
import type { NodeId } from '../../ports/bus.ts';
import type { FeedHead } from '../../ports/feed.ts';
import { readLive, type LiveActivity } from './live-activity.ts';

/** An end is told a moment later, and what a room played lingers until what comes after it is shown. */
const TOLD_WITHIN_MS = LINGERS_MS + 4_000;

/** Where this process is alone: whatever is published is its own, or of the one that it follows. */
export const EVERY_NODE = { has: () => true } as unknown as ReadonlySet<NodeId>;

/** Whether the word is of what is live, said by a node that is dead. What was removed or hidden stays so, whoever said it. */
export function isOfDeadNode(
  head: Pick<FeedHead, 'live'> | undefined,
  aliveNodes: ReadonlySet<NodeId>,
): boolean {
  const live = head?.live;
  return live !== undefined && readLive(live.item) !== undefined && !aliveNodes.has(live.node);
}

/** What is live now: said by a living node, and not over by what was said. */
export function liveOf(
  head: Pick<FeedHead, 'live'> | undefined,
  aliveNodes: ReadonlySet<NodeId>,
  now: HubMs,
): LiveActivity | undefined {
  const live = isOfDeadNode(head, aliveNodes) ? undefined : readLive(head?.live?.item);
  return live === undefined || isOver(live, now) ? undefined : live;
}

function isOver({ state, positionAt, positionMs, track, room }: LiveActivity, now: HubMs): boolean {
  const leftMs = Math.max(0, track.durationMs - positionMs);
  // Alone it is said again and again.
  const playsMs = room === undefined ? Math.min(leftMs, SOLO_LASTS_MS) : leftMs;
  return now > positionAt + (state === 'playing' ? playsMs : PAUSE_LASTS_MS) + TOLD_WITHIN_MS;
}
