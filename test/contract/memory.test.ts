// The contracts of the stores, on memory.
import { describe } from 'vitest';
import { MemoryMesh } from '../../src/adapters/memory/memory-mesh.ts';
import { memoryStores, type Stores } from '../support/postgres-stores.ts';
import { accountsContract } from './accounts.contract.ts';
import { activityLogContract } from './activity-log.contract.ts';
import { archiveContract } from './archive.contract.ts';
import { busContract } from './bus.contract.ts';
import { chatLogContract } from './chat-log.contract.ts';
import type { ContractContext } from './context.ts';
import { forgettingContract } from './forgetting.contract.ts';
import { friendsContract } from './friends.contract.ts';
import type { NodesContext } from './nodes.ts';
import { presenceContract } from './presence.contract.ts';
import { revocationsContract } from './revocations.contract.ts';
import { roomLogContract } from './room-log.contract.ts';
import { usersContract } from './users.contract.ts';

describe('memory', async () => {
  const underTest = memoryStores();
  const stores: Stores = await underTest.open();
  const context: ContractContext = {
    stores: () => stores,
    underTest,
    reopen: () => Promise.reject(new Error('memory does not outlive itself')),
  };
  roomLogContract(context);
  chatLogContract(context);
  usersContract(context);
  friendsContract(context);
  accountsContract(context);
  revocationsContract(context);
  activityLogContract(context);
  archiveContract(context);
  forgettingContract(context);

  const mesh = new MemoryMesh({ now: () => 1_000_000 });
  const nodes: NodesContext = {
    join: (nodeId) => Promise.resolve(mesh.join(nodeId)),
    bury: (nodeId) => {
      mesh.bury(nodeId);
      return Promise.resolve();
    },
    now: () => 1_000_000,
  };
  presenceContract(nodes);
  busContract(nodes);
});
