// The migrations in their order, named one by one: what runs does not depend on what lies in a folder.
import type { Constructor } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';
import { Migration20261123075554Initial } from './20261123075554-initial.ts';
import { Migration20261123183000ChatItemUuid } from './20261123183000-chat-item-uuid.ts';
import { Migration20261123183100EventIdentity } from './20261123183100-event-identity.ts';
import { Migration20261123190000SessionEvents } from './20261123190000-session-events.ts';
import { Migration20261123193000LostEvents } from './20261123193000-lost-events.ts';
import { Migration20261124010000People } from './20261124010000-people.ts';
import { Migration20261124020000Activity } from './20261124020000-activity.ts';
import { Migration20261124030000ActivityOutbox } from './20261124030000-activity-outbox.ts';
import { Migration20261124040000ErasedAt } from './20261124040000-erased-at.ts';
import { Migration20261129023000ActivityAt } from './20261129023000-activity-at.ts';
import { Migration20261129030000BlockedName } from './20261129030000-blocked-name.ts';
import { Migration20261129030100TracesIndex } from './20261129030100-traces-index.ts';
import { Migration20261129040000ActivityOutboxOrder } from './20261129040000-activity-outbox-order.ts';
import { Migration20261129153000Revocation } from './20261129153000-revocation.ts';

export const MIGRATIONS: readonly {
  readonly name: string;
  readonly class: Constructor<Migration>;
}[] = [
  { name: '20261123075554-initial', class: Migration20261123075554Initial },
  { name: '20261123183000-chat-item-uuid', class: Migration20261123183000ChatItemUuid },
  { name: '20261123183100-event-identity', class: Migration20261123183100EventIdentity },
  { name: '20261123190000-session-events', class: Migration20261123190000SessionEvents },
  { name: '20261123193000-lost-events', class: Migration20261123193000LostEvents },
  { name: '20261124010000-people', class: Migration20261124010000People },
  { name: '20261124020000-activity', class: Migration20261124020000Activity },
  { name: '20261124030000-activity-outbox', class: Migration20261124030000ActivityOutbox },
  { name: '20261124040000-erased-at', class: Migration20261124040000ErasedAt },
  { name: '20261129023000-activity-at', class: Migration20261129023000ActivityAt },
  { name: '20261129030000-blocked-name', class: Migration20261129030000BlockedName },
  { name: '20261129030100-traces-index', class: Migration20261129030100TracesIndex },
  {
    name: '20261129040000-activity-outbox-order',
    class: Migration20261129040000ActivityOutboxOrder,
  },
  { name: '20261129153000-revocation', class: Migration20261129153000Revocation },
];
