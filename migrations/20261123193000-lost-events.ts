// Events that a rooms' log has lost for good are kept apart, so that what is kept of a room is one history.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261123193000LostEvents extends Migration {
  override up(): void {
    this.addSql(
      `create table "lost_event" ("room_id" uuid not null, "event_id" text not null, "epoch" int not null, "revision" int not null, "at" double precision not null, "type" text not null, "event" jsonb not null, constraint "lost_event_pkey" primary key ("room_id", "event_id"));`,
    );
  }

  override down(): void {
    this.addSql(`drop table "lost_event";`);
  }
}
