// What every decision ends with: the turns of the fair policy, a chosen entry where there is one, and a plan that fits the queue.
import type { Draft } from './draft.ts';
import { reorderFairly } from './fair.ts';
import { chooseFirst, replan } from './move.ts';

/** A plan may announce a boundary at once, after which other turns are due; a third round has nothing left to do. */
const MAX_ROUNDS = 3;

/** Brings order, cursor and plan in line with what the decision has changed. No event where they are. */
export function settle(draft: Draft): void {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = draft.events.length;
    reorderFairly(draft);
    chooseFirst(draft);
    replan(draft, 'replanned');
    if (draft.events.length === before) return;
  }
}
