// What an operator has taken back before its time: tokens, all of a person's tokens, a person's leave to come.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261129153000Revocation extends Migration {
  override up(): void {
    this.addSql(
      `create table "revocation" ("id" uuid not null default gen_random_uuid(), "kind" text not null, "subject" text not null, "at" double precision not null, "ends_at" double precision null, "by" uuid not null, "reason" text null, "changed_at" double precision not null, constraint "revocation_pkey" primary key ("id"));`,
    );
    this.addSql(`create index "revocation_changed_at_index" on "revocation" ("changed_at");`);
    this.addSql(
      `alter table "revocation" add constraint "revocation_subject_unique" unique ("kind", "subject");`,
    );
  }

  override down(): void {
    this.addSql(`drop table "revocation";`);
  }
}
