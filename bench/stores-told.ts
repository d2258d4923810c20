// What the kinds of stores are called.
import type { StoresName } from './operation-node.ts';

export function storesTold(name: StoresName): string {
  return name === 'embedded' ? 'embedded' : 'Redis and Postgres';
}
