// The entry of a thread of the generator: hands messages to a crew and back.
import { parentPort } from 'node:worker_threads';
import { Crew } from './crew.ts';
import type { CrewOrder, CrewReport } from './crew-messages.ts';

const port = parentPort;
if (port === null) throw new Error('crew-thread runs as a worker thread');
const report = (message: CrewReport): void => port.postMessage(message);
let crew: Crew | undefined;

port.on('message', (order: CrewOrder) => {
  try {
    if (order.kind !== 'start') {
      crew?.obey(order);
      return;
    }
    crew = new Crew(order, (message) => {
      report(message);
      // Nothing is left to be done: the thread ends when its parent lets go of it.
      if (message.kind === 'ended') port.close();
    });
    report({ kind: 'started' });
  } catch (error) {
    report({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
});
