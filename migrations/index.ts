// The migrations in their order, named one by one: what runs does not depend on what lies in a folder.
import type { Constructor } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';
import { Migration20261123075554Initial } from './20261123075554-initial.ts';

export const MIGRATIONS: readonly {
  readonly name: string;
  readonly class: Constructor<Migration>;
}[] = [{ name: '20261123075554-initial', class: Migration20261123075554Initial }];
