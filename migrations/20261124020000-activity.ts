// What people listened to: activities, what was heard of them, and who is erased for good.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261124020000Activity extends Migration {
  override up(): void {
    this.addSql(
      `create table "activity" ("id" uuid not null, "user_id" uuid not null, "version" double precision not null default 0, "at" double precision not null, "ended_at" double precision null, "track" jsonb null, "room_id" uuid null, "room_name" text null, "is_private" boolean not null default false, "removed" boolean not null default false, constraint "activity_pkey" primary key ("id"));`,
    );
    this.addSql(`create index "activity_user_index" on "activity" ("user_id", "at", "id");`);

    this.addSql(
      `create table "listen" ("id" uuid not null, "user_id" uuid not null, "play_key" text not null, "at" double precision not null, "track" jsonb null, "room_id" uuid null, "session_id" uuid null, "spans" jsonb not null default '[]', "heard_ms" double precision not null default 0, "counted_at" double precision null, "removed" boolean not null default false, constraint "listen_pkey" primary key ("id"));`,
    );
    this.addSql(`create index "listen_user_index" on "listen" ("user_id", "at", "id");`);
    this.addSql(`create index "listen_play_key_index" on "listen" ("play_key");`);

    this.addSql(
      `create table "erased_person" ("user_id" uuid not null, constraint "erased_person_pkey" primary key ("user_id"));`,
    );
  }

  override down(): void {
    for (const table of ['activity', 'listen', 'erased_person'])
      this.addSql(`drop table if exists "${table}" cascade;`);
  }
}
