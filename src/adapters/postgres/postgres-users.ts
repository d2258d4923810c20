// The people, in Postgres.
import type { UserId } from '../../../protocol/ids.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { LetIn, Standing, Users } from '../../ports/users.ts';
import { UserSchema } from './schema.ts';
import type { Sql } from './sql.ts';

export class PostgresUsers implements Users {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  createGuest(name: string): Promise<User> {
    return this.#sql.managed(async (em) => {
      const id = await em.insert(UserSchema, { name, guest: true });
      return { id: id as UserId, name, guest: true };
    });
  }

  async save(user: User): Promise<void> {
    await this.#sql.managed((em) => em.upsert(UserSchema, { ...user }));
  }

  async rename(id: UserId, name: string): Promise<User | undefined> {
    const [user] = await this.#sql.rows<User>(
      'update "user" set name = ? where id = ? returning id, name, guest',
      [name, id],
    );
    return user;
  }

  async find(id: UserId, deviceId?: string): Promise<User | undefined> {
    const [user] = await this.#sql.rows<User>(
      `select id, name, guest from "user" where id = ?
       ${deviceId === undefined ? '' : 'and exists (select from device_token d where d.id = ? and d.user_id = "user".id)'}`,
      deviceId === undefined ? [id] : [id, deviceId],
    );
    return user;
  }

  async standings(people: readonly LetIn[]): Promise<readonly Standing[]> {
    const found = await this.#sql.rows<{ readonly standing: Standing }>(
      `select case when not exists (select from "user" u where u.id = asked.id) then 'person_gone'
         when asked.device is not null and not exists (
           select from device_token d where d.id = asked.device and d.user_id = asked.id) then 'device_gone'
         else 'stands' end as standing
       from unnest(?::uuid[], ?::uuid[]) with ordinality as asked (id, device, n) order by n`,
      [people.map(({ id }) => id), people.map(({ deviceId }) => deviceId ?? null)],
    );
    return found.map(({ standing }) => standing);
  }
}
