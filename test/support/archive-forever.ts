// A process that archives until it is killed, and says on stdout how far it is.
import { SILENT } from './postgres-stores.ts';
import { openSharedLogs } from './shared-logs.ts';

const [, , redisUrl = '', postgresUrl = '', partitions = ''] = process.argv;
const { outbox, figure } = await openSharedLogs({
  redisUrl,
  postgresUrl,
  partitions: Number(partitions),
  maxOutboxEntries: 1,
  log: SILENT,
});
outbox.start();
let told = 0;
setInterval(() => {
  void figure('applied_total').then((applied) => {
    if (applied > told) process.stdout.write(`${applied}\n`);
    told = applied;
  });
}, 10);
