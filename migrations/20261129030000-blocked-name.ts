// Whom a person blocks is called as they were then: what they are called since is theirs.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261129030000BlockedName extends Migration {
  override up(): void {
    this.addSql(`alter table "block" add column "name" text null;`);
    this.addSql(`update "block" b set "name" = u."name" from "user" u where u."id" = b."blocked_id"
      and not exists (select from "block" r where r."user_id" = b."blocked_id" and r."blocked_id" = b."user_id");`);
  }

  override down(): void {
    this.addSql(`alter table "block" drop column "name";`);
  }
}
