// The people, in Postgres.
import type { UserId } from '../../../protocol/ids.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { Users } from '../../ports/users.ts';
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

  find(id: UserId): Promise<User | undefined> {
    return this.#sql.managed(async (em) => {
      const user = await em.findOne(UserSchema, { id });
      return user === null ? undefined : { id, name: user.name, guest: user.guest };
    });
  }
}
