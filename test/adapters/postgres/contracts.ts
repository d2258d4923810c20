// All contracts of the stores on one kind of them, opened once for the whole file.
import { afterAll, beforeAll } from 'vitest';
import { accountsContract } from '../../contract/accounts.contract.ts';
import { activityLogContract } from '../../contract/activity-log.contract.ts';
import { archiveContract } from '../../contract/archive.contract.ts';
import { chatLogContract } from '../../contract/chat-log.contract.ts';
import type { ContractContext } from '../../contract/context.ts';
import { forgettingContract } from '../../contract/forgetting.contract.ts';
import { friendsContract } from '../../contract/friends.contract.ts';
import { revocationsContract } from '../../contract/revocations.contract.ts';
import { roomLogContract } from '../../contract/room-log.contract.ts';
import { usersContract } from '../../contract/users.contract.ts';
import type { Stores, StoresUnderTest } from '../../support/postgres-stores.ts';

export function storeContracts(underTest: StoresUnderTest): ContractContext {
  let stores: Stores | undefined;
  const opened = (): Stores => {
    if (stores === undefined) throw new Error('opened before the first test');
    return stores;
  };
  const context: ContractContext = {
    stores: opened,
    underTest,
    async reopen() {
      stores = await underTest.reopen?.();
      return opened();
    },
  };
  beforeAll(async () => {
    stores = await underTest.open();
  });
  afterAll(() => underTest.close());
  roomLogContract(context);
  chatLogContract(context);
  usersContract(context);
  friendsContract(context);
  accountsContract(context);
  revocationsContract(context);
  activityLogContract(context);
  archiveContract(context);
  forgettingContract(context);
  return context;
}
