// What was taken back, and what is private, goes to the listening history before all else.
import { Migration } from '@mikro-orm/migrations';

const NAME = 'activity_outbox_order_index';

export class Migration20261129040000ActivityOutboxOrder extends Migration {
  override up(): void {
    this.#order(`("entry"->>'kind' = 'remove' or coalesce("entry"->>'isPrivate', '') = 'true')`);
  }

  override down(): void {
    this.#order(`("entry"->>'kind' = 'remove')`);
  }

  #order(first: string): void {
    this.addSql(`drop index "${NAME}";`);
    this.addSql(
      `create index "${NAME}" on "activity_outbox" (${first} desc, "at", "id") where "rejected" is null;`,
    );
  }
}
