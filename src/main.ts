#!/usr/bin/env node
// The process: configuration, application, signals.
import { createPinoLog } from './adapters/system/pino-log.ts';
import type { App } from './app.ts';
import { readConfig, type Config } from './config.ts';
import { lineFor } from './exit-line.ts';
import { workerLink, type WorkerLink } from './worker.ts';
import { Workers } from './workers.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** One clear line for what a person can mend; a stack for what only we can. */
function fail(error: unknown): never {
  process.stderr.write(`earshot: ${lineFor(error)}\n`);
  process.exit(1);
}

async function serve(config: Config, worker: WorkerLink | undefined): Promise<void> {
  // What serves is most of the code: a wrong configuration is told, and workers are led, without it.
  const starting: Promise<App> = import('./app.ts').then(({ startApp }) =>
    startApp(config, fail, worker),
  );
  let isStopping = false;
  // From the first moment: the first process of a container is sent no signal that it does not listen to.
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // A second signal means: now. To a worker the first process says so, who may have been sent the same signal as it was.
      if (isStopping && worker === undefined) process.exit(1);
      if (isStopping) return;
      isStopping = true;
      void starting
        .then((app) => app.stop())
        .then(
          // Whoever counts on its last words is told that there were some.
          (isGood) => process.exit(isGood ? 0 : 1),
          () => process.exit(1),
        );
    });
  }
  await starting;
}

async function lead(config: Config): Promise<void> {
  const log = createPinoLog(config.logLevel);
  const workers = await Workers.start(config, log, (code) => process.exit(code));
  for (const signal of SIGNALS) process.on(signal, () => workers.stop());
}

try {
  const config = readConfig(process.env);
  const worker = workerLink(process.env);
  await (config.clusterWorkers > 1 && worker === undefined ? lead(config) : serve(config, worker));
} catch (error) {
  fail(error);
}
