// The people, in Postgres.
import type { UserId } from '../../../protocol/ids.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { LetIn, Standing, Users } from '../../ports/users.ts';
import { GroupCommit } from './group-commit.ts';
import { UserSchema } from './schema.ts';
import type { Sql } from './sql.ts';

/** A statement of this many takes some milliseconds. */
const MOST_AT_ONCE = 500;

export class PostgresUsers implements Users {
  readonly #sql: Sql;
  /** Everybody who says hello is looked up, and after a restart all of them do at once. */
  readonly #lookUps: GroupCommit<LetIn, User | undefined>;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#lookUps = new GroupCommit({
      commit: (people) => this.#findAll(people),
      maxItems: MOST_AT_ONCE,
    });
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

  find(id: UserId, deviceId?: string): Promise<User | undefined> {
    return this.#lookUps.add({ id, deviceId });
  }

  async standings(people: readonly LetIn[]): Promise<readonly Standing[]> {
    const found = await this.#sql.rows<{ readonly standing: Standing }>(
      `select case when not exists (select from "user" u where u.id = asked.id) then 'person_gone'
         when asked.device is not null and not exists (
           select from device_token d where d.id = asked.device and d.user_id = asked.id) then 'device_gone'
         else 'stands' end as standing
       from unnest(?::uuid[], ?::uuid[]) with ordinality as asked (id, device, n) order by n`,
      toColumns(people),
    );
    return found.map(({ standing }) => standing);
  }

  async #findAll(people: readonly LetIn[]): Promise<readonly (User | undefined)[]> {
    const found = await this.#sql.rows<User & { readonly n: string }>(
      `select asked.n, u.id, u.name, u.guest
       from unnest(?::uuid[], ?::uuid[]) with ordinality as asked (id, device, n)
       join "user" u on u.id = asked.id
       where asked.device is null or exists (
         select from device_token d where d.id = asked.device and d.user_id = u.id)`,
      toColumns(people),
    );
    const users: (User | undefined)[] = people.map(() => undefined);
    for (const { n, id, name, guest } of found) users[Number(n) - 1] = { id, name, guest };
    return users;
  }
}

function toColumns(people: readonly LetIn[]): unknown[] {
  return [people.map(({ id }) => id), people.map(({ deviceId }) => deviceId ?? null)];
}
