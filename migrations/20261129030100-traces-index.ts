// What somebody has said is found by who said it, in the order of time.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261129030100TracesIndex extends Migration {
  override up(): void {
    this.addSql(`create index chat_item_user_index on chat_item (user_id, at, id);`);
  }

  override down(): void {
    this.addSql(`drop index chat_item_user_index;`);
  }
}
