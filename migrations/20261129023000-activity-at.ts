// What is older than it is kept is found by its time.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261129023000ActivityAt extends Migration {
  override up(): void {
    this.addSql(`create index "activity_at_index" on "activity" ("at");`);
    this.addSql(`create index "listen_at_index" on "listen" ("at");`);
  }

  override down(): void {
    for (const index of ['activity_at_index', 'listen_at_index'])
      this.addSql(`drop index "${index}";`);
  }
}
