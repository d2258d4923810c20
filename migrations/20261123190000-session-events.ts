// A recap reads the events between a session's beginning and its end: both are found without walking the room's whole log.
import { Migration } from '@mikro-orm/migrations';

export class Migration20261123190000SessionEvents extends Migration {
  override up(): void {
    this.addSql(
      `create index room_event_landmark_index on room_event (room_id, type, at) where type in ('SessionStarted', 'SessionEnded', 'RoomUpdated');`,
    );
  }

  override down(): void {
    this.addSql(`drop index "room_event_landmark_index";`);
  }
}
