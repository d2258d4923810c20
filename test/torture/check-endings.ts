// Whether everybody stands at the same place with the same state when all is quiet. Knows nothing of how they came there.
import type { Ending, History, Violation } from './history.ts';
import { grouped, placeOf } from './history.ts';

export function checkEndings(history: History): Violation[] {
  const violations: Violation[] = [];
  const endings = grouped(history.endings, ({ roomId }) => roomId);
  for (const roomId of new Set(history.clients.map((client) => client.roomId))) {
    const own = endings.get(roomId) ?? [];
    if (own.length < 2) {
      const what = 'fewer than two ends to compare';
      violations.push({ rule: 'nothing-to-compare', roomId, what, evidence: own });
    }
    const standings = grouped(own, standingOf);
    if (standings.size < 2) continue;
    const what = [...standings].map(([standing, all]) => `${standing}: ${namesOf(all)}`).join('; ');
    violations.push({ rule: 'endings-differ', roomId, what, evidence: own });
  }
  return violations;
}

function standingOf(ending: Ending): string {
  return `${placeOf(ending)} ${ending.hash}`;
}

function namesOf(endings: readonly Ending[]): string {
  return endings.map(({ who }) => who).join(', ');
}
