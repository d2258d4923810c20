// What an event left in the record is told by the event's id: its epoch and revision change when a lost tail of a room is put back.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261123183100EventIdentity extends Migration {
  override up(): void {
    this.addSql(
      `alter table "room_event" add constraint "room_event_id_unique" unique ("room_id", "event_id");`,
    );

    this.addSql(`alter table "participation" add column "event_id" text null;`);
    this.addSql(
      `update "participation" p set "event_id" = e."event_id" from "session" s join "room_event" e on e."room_id" = s."room_id" where s."id" = p."session_id" and e."epoch" = p."epoch" and e."revision" = p."revision";`,
    );
    // Of a room whose events are not kept any more.
    this.addSql(
      `update "participation" set "event_id" = "epoch" || '-' || "revision" where "event_id" is null;`,
    );
    this.addSql(`alter table "participation" alter column "event_id" set not null;`);
    this.addSql(`alter table "participation" drop constraint "participation_event_unique";`);
    this.addSql(
      `alter table "participation" add constraint "participation_event_unique" unique ("session_id", "user_id", "event_id");`,
    );
  }

  override down(): void {
    this.addSql(`alter table "participation" drop constraint "participation_event_unique";`);
    this.addSql(
      `alter table "participation" add constraint "participation_event_unique" unique ("session_id", "user_id", "epoch", "revision");`,
    );
    this.addSql(`alter table "participation" drop column "event_id";`);

    this.addSql(`alter table "room_event" drop constraint "room_event_id_unique";`);
  }
}
