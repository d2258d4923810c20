// What every decision ends with: the turns of the fair policy, a chosen entry where there is one, and a plan that fits the queue.
import type { Draft } from './draft.ts';
import { reorderFairly } from './fair.ts';
import { chooseFirst, replan } from './move.ts';

/** Brings order, cursor and plan in line with what the decision has changed. No event where they are. */
export function settle(draft: Draft): void {
  reorderFairly(draft);
  chooseFirst(draft);
  replan(draft, 'replanned');
}
