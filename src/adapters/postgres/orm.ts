// How MikroORM is set up for this service: its entities, its connections.
import type { MikroORM as CoreOrm } from '@mikro-orm/core';
import { MikroORM, type Options, type PostgreSqlDriver } from '@mikro-orm/postgresql';
import { ENTITIES } from './schema.ts';

/** A URL of a Postgres server, or the endpoint of the embedded one. */
export type PostgresTarget =
  | { readonly clientUrl: string; readonly poolSize: number }
  | { readonly host: string; readonly port: number };

export interface OrmSettings {
  /**
   * What MikroORM needs to migrate. Its connection is one then, as what a session locks is its own; and with no end to how long a
   * statement may take.
   */
  readonly migrating?: Pick<Options, 'extensions' | 'migrations'>;
}

/** @param onNotice told what MikroORM would print, a line at a time */
export function ormOptions(
  target: PostgresTarget,
  onNotice: (line: string) => void,
  { migrating }: OrmSettings = {},
): Options {
  const isEmbedded = 'host' in target;
  return {
    ...(isEmbedded
      ? {
          host: target.host,
          port: target.port,
          user: 'postgres',
          password: '',
          dbName: 'postgres',
          // PGlite is one backend: a second connection would share its unnamed statements and wait for its transactions anyway.
          pool: { min: 0, max: 1 },
        }
      : {
          clientUrl: target.clientUrl,
          pool: { min: 0, max: migrating === undefined ? target.poolSize : 1 },
        }),
    entities: ENTITIES,
    discovery: { disableDynamicFileAccess: true },
    metadataCache: { enabled: false },
    // The database is there or `migrate` says so: nothing is created behind the operator's back.
    ensureDatabase: false,
    allowGlobalContext: true,
    logger: onNotice,
    debug: false,
    colors: false,
    driverOptions: {
      // An answer that takes this long will not come; it must not hold up all that waits behind it.
      connection: {
        connectionTimeoutMillis: 5_000,
        ...(migrating === undefined ? { query_timeout: 60_000 } : {}),
        keepAlive: true,
      },
      acquireConnectionTimeout: 70_000,
      log: { warn: onNotice, error: onNotice, debug: onNotice, deprecate: onNotice },
    },
    ...migrating,
  };
}

export type Orm = CoreOrm<PostgreSqlDriver>;

export function createOrm(
  target: PostgresTarget,
  onNotice: (line: string) => void,
  settings?: OrmSettings,
): Promise<Orm> {
  return MikroORM.init({ ...ormOptions(target, onNotice, settings), connect: false });
}
