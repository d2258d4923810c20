// What is between people: friendships, requests, blocks, audiences; profiles on the person's row; tokens of devices.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261124010000People extends Migration {
  override up(): void {
    this.addSql(
      `alter table "user" add column "colour" text null, add column "picture" text null, add column "friend_code" text null, add column "audience" text not null default 'friends', add column "private_until" double precision null, add column "policy_version" double precision not null default 0, add column "request_times" jsonb null;`,
    );
    this.addSql(
      `alter table "user" add constraint "user_friend_code_unique" unique ("friend_code");`,
    );

    this.addSql(
      `create table "friendship" ("id" uuid not null default gen_random_uuid(), "user_id" uuid not null, "friend_id" uuid not null, "since" double precision not null, constraint "friendship_pkey" primary key ("id"));`,
    );
    this.addSql(
      `alter table "friendship" add constraint "friendship_unique" unique ("user_id", "friend_id");`,
    );

    this.addSql(
      `create table "friend_request" ("id" uuid not null default gen_random_uuid(), "from_id" uuid not null, "to_id" uuid not null, "sent_at" double precision not null, "declined_at" double precision null, "withdrawn" boolean not null default false, constraint "friend_request_pkey" primary key ("id"));`,
    );
    this.addSql(`create index "friend_request_to_index" on "friend_request" ("to_id", "sent_at");`);
    this.addSql(
      `alter table "friend_request" add constraint "friend_request_unique" unique ("from_id", "to_id");`,
    );

    this.addSql(
      `create table "block" ("id" uuid not null default gen_random_uuid(), "user_id" uuid not null, "blocked_id" uuid not null, "at" double precision not null, constraint "block_pkey" primary key ("id"));`,
    );
    this.addSql(`create index "block_blocked_index" on "block" ("blocked_id");`);
    this.addSql(
      `alter table "block" add constraint "block_unique" unique ("user_id", "blocked_id");`,
    );

    this.addSql(
      `create table "audience_choice" ("id" uuid not null default gen_random_uuid(), "user_id" uuid not null, "chosen_id" uuid not null, constraint "audience_choice_pkey" primary key ("id"));`,
    );
    this.addSql(`create index "audience_choice_chosen_index" on "audience_choice" ("chosen_id");`);
    this.addSql(
      `alter table "audience_choice" add constraint "audience_choice_unique" unique ("user_id", "chosen_id");`,
    );

    this.addSql(
      `create table "device_token" ("id" uuid not null default gen_random_uuid(), "user_id" uuid not null, "hash" text not null, "label" text not null, "created_at" double precision not null, "used_at" double precision not null, constraint "device_token_pkey" primary key ("id"));`,
    );
    this.addSql(
      `alter table "device_token" add constraint "device_token_hash_unique" unique ("hash");`,
    );
    this.addSql(`create index "device_token_user_index" on "device_token" ("user_id");`);

    this.addSql(
      `create table "account_link" ("id" uuid not null default gen_random_uuid(), "user_id" uuid not null, "hash" text not null, "expires_at" double precision not null, constraint "account_link_pkey" primary key ("id"));`,
    );
    this.addSql(
      `alter table "account_link" add constraint "account_link_user_unique" unique ("user_id");`,
    );
    this.addSql(
      `alter table "account_link" add constraint "account_link_hash_unique" unique ("hash");`,
    );

    this.addSql(
      `create index "participation_user_index" on "participation" ("user_id", "arrived_at");`,
    );
  }

  override down(): void {
    this.addSql(`drop index "participation_user_index";`);
    this.addSql(`drop table "account_link";`);
    this.addSql(`drop table "device_token";`);
    this.addSql(`drop table "audience_choice";`);
    this.addSql(`drop table "block";`);
    this.addSql(`drop table "friend_request";`);
    this.addSql(`drop table "friendship";`);
    this.addSql(`alter table "user" drop constraint "user_friend_code_unique";`);
    this.addSql(
      `alter table "user" drop column "colour", drop column "picture", drop column "friend_code", drop column "audience", drop column "private_until", drop column "policy_version", drop column "request_times";`,
    );
  }
}
