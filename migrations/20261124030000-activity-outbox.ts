// What was listened to and waits for the store that keeps it.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261124030000ActivityOutbox extends Migration {
  override up(): void {
    this.addSql(
      `create table "activity_outbox" ("id" uuid not null default gen_random_uuid(), "user_id" uuid not null, "at" double precision not null, "entry" jsonb not null, "rejected" text null, constraint "activity_outbox_pkey" primary key ("id"));`,
    );
    this.addSql(`create index "activity_outbox_at_index" on "activity_outbox" ("at");`);
    this.addSql(`create index "activity_outbox_user_id_index" on "activity_outbox" ("user_id");`);
  }

  override down(): void {
    this.addSql(`drop table if exists "activity_outbox" cascade;`);
  }
}
