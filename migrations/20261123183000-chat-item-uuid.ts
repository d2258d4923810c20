// A chat item gets an id of its own: its number in the room is given anew when a lost tail of the chat is put back, so it is no identity.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261123183000ChatItemUuid extends Migration {
  override up(): void {
    this.addSql(`alter table "chat_item" drop constraint "chat_item_pkey";`);
    // Each row that is there gets an id too: the default is volatile, so it is worked out for each.
    this.addSql(`alter table "chat_item" add column "id" uuid not null default gen_random_uuid();`);
    this.addSql(`alter table "chat_item" add constraint "chat_item_pkey" primary key ("id");`);
    this.addSql(
      `alter table "chat_item" add constraint "chat_item_seq_unique" unique ("room_id", "seq");`,
    );
  }

  override down(): void {
    this.addSql(`alter table "chat_item" drop constraint "chat_item_seq_unique";`);
    this.addSql(`alter table "chat_item" drop constraint "chat_item_pkey";`);
    this.addSql(`alter table "chat_item" drop column "id";`);
    this.addSql(
      `alter table "chat_item" add constraint "chat_item_pkey" primary key ("room_id", "seq");`,
    );
  }
}
