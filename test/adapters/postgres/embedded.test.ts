// The contracts of the stores, on the embedded database.
import { describe } from 'vitest';
import { embeddedStores } from '../../support/postgres-stores.ts';
import { storeContracts } from './contracts.ts';

describe('embedded Postgres', () => {
  storeContracts(embeddedStores());
});
