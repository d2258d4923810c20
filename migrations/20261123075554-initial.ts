// The first tables. Nothing references another table by constraint: rows arrive in the order of a log, which is the truth they follow.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261123075554Initial extends Migration {
  override up(): void {
    this.addSql(
      `create table "chat_item" ("room_id" uuid not null, "seq" int not null, "at" double precision not null, "kind" text not null, "user_id" uuid not null, "name" text null, "text" text null, "deleted" boolean not null default false, "target" int null, "key" text null, constraint "chat_item_pkey" primary key ("room_id", "seq"));`,
    );
    this.addSql(
      `create index chat_item_key_index on chat_item (room_id, key) where key is not null;`,
    );

    this.addSql(
      `create table "idempotency_key" ("room_id" uuid not null, "key" text not null, "reply" jsonb not null, "expires_at" double precision not null, constraint "idempotency_key_pkey" primary key ("room_id", "key"));`,
    );
    this.addSql(
      `create index "idempotency_key_expires_at_index" on "idempotency_key" ("expires_at");`,
    );

    this.addSql(
      `create table "kv" ("key" text not null, "value" jsonb not null, constraint "kv_pkey" primary key ("key"));`,
    );

    this.addSql(
      `create table "participation" ("id" uuid not null default gen_random_uuid(), "session_id" uuid not null, "user_id" uuid not null, "name" text not null, "arrived_at" double precision not null, "departed_at" double precision null, "epoch" int not null, "revision" int not null, constraint "participation_pkey" primary key ("id"));`,
    );
    this.addSql(
      `alter table "participation" add constraint "participation_event_unique" unique ("session_id", "user_id", "epoch", "revision");`,
    );

    this.addSql(
      `create table "play" ("id" uuid not null default gen_random_uuid(), "session_id" uuid not null, "entry_id" text not null, "track_id" text not null, "title" text not null, "artist" text not null, "started_at" double precision not null, "ended_at" double precision not null, constraint "play_pkey" primary key ("id"));`,
    );
    this.addSql(
      `alter table "play" add constraint "play_start_unique" unique ("session_id", "started_at");`,
    );

    this.addSql(
      `create table "room" ("id" uuid not null default gen_random_uuid(), "code" text not null, "name" text not null, "visibility" text not null, "created_at" double precision not null, "closed_at" double precision null, "here_count" int not null, "epoch" int not null, "revision" int not null, "event_id" text not null, "last_at" double precision not null, "heard" jsonb null, constraint "room_pkey" primary key ("id"));`,
    );
    this.addSql(`alter table "room" add constraint "room_code_unique" unique ("code");`);
    this.addSql(
      `create index room_public_index on room (here_count desc, created_at desc) where visibility = 'public' and closed_at is null;`,
    );
    this.addSql(`create index room_inhabited_index on room (id) where here_count > 0;`);

    this.addSql(
      `create table "room_event" ("room_id" uuid not null, "epoch" int not null, "revision" int not null, "event_id" text not null, "at" double precision not null, "type" text not null, "event" jsonb not null, constraint "room_event_pkey" primary key ("room_id", "epoch", "revision"));`,
    );

    this.addSql(
      `create table "room_snapshot" ("room_id" uuid not null, "epoch" int not null, "revision" int not null, "event_id" text not null, "state" jsonb not null, constraint "room_snapshot_pkey" primary key ("room_id"));`,
    );

    this.addSql(
      `create table "session" ("id" uuid not null default gen_random_uuid(), "room_id" uuid not null, "started_at" double precision not null, "ended_at" double precision null, constraint "session_pkey" primary key ("id"));`,
    );
    this.addSql(`create index "session_room_index" on "session" ("room_id", "started_at");`);

    this.addSql(
      `create table "user" ("id" uuid not null default gen_random_uuid(), "name" text not null, "guest" boolean not null, constraint "user_pkey" primary key ("id"));`,
    );
  }

  override down(): void {
    this.addSql(`drop table "chat_item";`);
    this.addSql(`drop table "idempotency_key";`);
    this.addSql(`drop table "kv";`);
    this.addSql(`drop table "participation";`);
    this.addSql(`drop table "play";`);
    this.addSql(`drop table "room";`);
    this.addSql(`drop table "room_event";`);
    this.addSql(`drop table "room_snapshot";`);
    this.addSql(`drop table "session";`);
    this.addSql(`drop table "user";`);
  }
}
