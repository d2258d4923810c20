// The migrations in their order, named one by one: what runs does not depend on what lies in a folder. A start that finds all of them done
// loads none.
import type { Constructor } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';

interface NamedMigration {
  readonly name: string;
  readonly load: () => Promise<Constructor<Migration>>;
}

export const MIGRATIONS: readonly NamedMigration[] = [
  {
    name: '20261123075554-initial',
    load: async () => (await import('./20261123075554-initial.ts')).Migration20261123075554Initial,
  },
  {
    name: '20261123183000-chat-item-uuid',
    load: async () =>
      (await import('./20261123183000-chat-item-uuid.ts')).Migration20261123183000ChatItemUuid,
  },
  {
    name: '20261123183100-event-identity',
    load: async () =>
      (await import('./20261123183100-event-identity.ts')).Migration20261123183100EventIdentity,
  },
  {
    name: '20261123190000-session-events',
    load: async () =>
      (await import('./20261123190000-session-events.ts')).Migration20261123190000SessionEvents,
  },
  {
    name: '20261123193000-lost-events',
    load: async () =>
      (await import('./20261123193000-lost-events.ts')).Migration20261123193000LostEvents,
  },
  {
    name: '20261124010000-people',
    load: async () => (await import('./20261124010000-people.ts')).Migration20261124010000People,
  },
  {
    name: '20261124020000-activity',
    load: async () =>
      (await import('./20261124020000-activity.ts')).Migration20261124020000Activity,
  },
  {
    name: '20261124030000-activity-outbox',
    load: async () =>
      (await import('./20261124030000-activity-outbox.ts')).Migration20261124030000ActivityOutbox,
  },
  {
    name: '20261124040000-erased-at',
    load: async () =>
      (await import('./20261124040000-erased-at.ts')).Migration20261124040000ErasedAt,
  },
  {
    name: '20261129023000-activity-at',
    load: async () =>
      (await import('./20261129023000-activity-at.ts')).Migration20261129023000ActivityAt,
  },
  {
    name: '20261129030000-blocked-name',
    load: async () =>
      (await import('./20261129030000-blocked-name.ts')).Migration20261129030000BlockedName,
  },
  {
    name: '20261129030100-traces-index',
    load: async () =>
      (await import('./20261129030100-traces-index.ts')).Migration20261129030100TracesIndex,
  },
  {
    name: '20261129040000-activity-outbox-order',
    load: async () =>
      (await import('./20261129040000-activity-outbox-order.ts'))
        .Migration20261129040000ActivityOutboxOrder,
  },
  {
    name: '20261129153000-revocation',
    load: async () =>
      (await import('./20261129153000-revocation.ts')).Migration20261129153000Revocation,
  },
];
