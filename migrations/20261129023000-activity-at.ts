// What is older than it is kept is found by its time; and what a person says of an id is about what is theirs alone.
import { Migration } from '@mikro-orm/migrations';

const TABLES = ['activity', 'listen'] as const;

export class Migration20261129023000ActivityAt extends Migration {
  override up(): void {
    for (const table of TABLES) {
      this.addSql(`create index "${table}_at_index" on "${table}" ("at");`);
      this.addSql(`alter table "${table}" drop constraint "${table}_pkey";`);
      this.addSql(
        `alter table "${table}" add constraint "${table}_pkey" primary key ("user_id", "id");`,
      );
    }
    this.addSql(
      `create index "activity_outbox_order_index" on "activity_outbox" (("entry"->>'kind' = 'remove') desc, "at", "id") where "rejected" is null;`,
    );
  }

  override down(): void {
    this.addSql('drop index "activity_outbox_order_index";');
    for (const table of TABLES) {
      this.addSql(`alter table "${table}" drop constraint "${table}_pkey";`);
      this.addSql(
        `delete from "${table}" a where removed and exists (select from "${table}" b where b.id = a.id and b.user_id <> a.user_id);`,
      );
      this.addSql(`alter table "${table}" add constraint "${table}_pkey" primary key ("id");`);
      this.addSql(`drop index "${table}_at_index";`);
    }
  }
}
