// An activity log that has taken another one's place: what is asked is answered by the new one, and what must reach all of a person, or
// all that is old, reaches what the former one still holds. Knows no store.
import type { ActivityLog } from '../ports/activity-log.ts';

export function withFormerLog(
  log: ActivityLog,
  former: Pick<ActivityLog, 'export' | 'erase' | 'prune'>,
): ActivityLog {
  return {
    append: (entries) => log.append(entries),
    feedPage: (authors, query) => log.feedPage(authors, query),
    historyPage: (userId, query) => log.historyPage(userId, query),
    listensPage: (userId, query) => log.listensPage(userId, query),
    counts: (userId, query) => log.counts(userId, query),
    together: (userId, query) => log.together(userId, query),
    latest: (authors) => log.latest(authors),
    importListens: (entries, askedAt) => log.importListens(entries, askedAt),
    async *export(userId) {
      yield* former.export(userId);
      yield* log.export(userId);
    },
    async prune(before, limit) {
      return (await former.prune(before, limit)) + (await log.prune(before, limit));
    },
    async erase(userId, at) {
      await former.erase(userId, at);
      await log.erase(userId, at);
    },
  };
}
