// The contracts of the stores, on the embedded database.
import { describe, vi } from 'vitest';
import { embeddedStores } from '../../support/postgres-stores.ts';
import { storeContracts } from './contracts.ts';

// One of its tests opens it again in the middle of writes, which takes a quarter of the usual limit where nothing else is done.
vi.setConfig({ testTimeout: 60_000 });

describe('embedded Postgres', () => {
  storeContracts(embeddedStores());
});
