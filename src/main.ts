#!/usr/bin/env node
// The process: configuration, application, signals.
import { startApp, type App } from './app.ts';
import { readConfig } from './config.ts';
import { lineFor } from './exit-line.ts';

/** One clear line for what a person can mend; a stack for what only we can. */
function fail(error: unknown): never {
  process.stderr.write(`earshot: ${lineFor(error)}\n`);
  process.exit(1);
}

async function main(): Promise<void> {
  let app: App;
  try {
    app = await startApp(readConfig(process.env), fail);
  } catch (error) {
    fail(error);
  }
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // A second signal means: now.
      if (isStopping) process.exit(1);
      isStopping = true;
      void app.stop().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
}

await main();
