// What it costs a node to be asked for its metrics each second, beside the same node that is not.
import { temporaryDir } from '../test/support/earshot-process.ts';
import { OperationNode, makePlace } from './operation-node.ts';
import { measurePaired } from './paired.ts';
import type { Paired } from './paired-figures.ts';

const EVERY_MS = 1_000;

/** @throws at its end where a look failed: it would have made the node cheaper */
function scraped(node: OperationNode): () => void {
  let failure: unknown;
  const timer = setInterval(() => {
    node.figures().catch((error: unknown) => {
      failure ??= error;
    });
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    if (failure !== undefined)
      throw new Error('the node did not tell its metrics', { cause: failure });
  };
}

export async function measureScrape(): Promise<Paired> {
  const scratch = await temporaryDir();
  const place = await makePlace();
  try {
    const node = await OperationNode.start(place);
    try {
      await node.hasTracks();
      return await measurePaired(
        { name: 'not asked', node },
        { name: 'asked each second', node, beside: scraped },
        scratch.dir,
      );
    } finally {
      await node.end('SIGKILL');
    }
  } finally {
    await place.remove();
    await scratch.remove();
  }
}
