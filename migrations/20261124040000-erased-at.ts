// When a person was erased: what they do after it is kept.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261124040000ErasedAt extends Migration {
  override up(): void {
    this.addSql(
      `alter table "erased_person" add column "at" double precision not null default extract(epoch from now()) * 1000;`,
    );
    this.addSql(`alter table "erased_person" alter column "at" drop default;`);
  }

  override down(): void {
    this.addSql(`alter table "erased_person" drop column "at";`);
  }
}
