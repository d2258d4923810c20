import { defineConfig } from 'vitest/config';

// Groups, one after the other; a worker loads the code once for all of its files, which would take longer than many of the tests. What
// is heard (Chromium, whole nodes beside it) runs alone, a file at a time: beside other tests on two cores its audio would starve, and its
// figures would be about the machine. Whole processes are mostly waited for.
const pages = [
  'test/web/{clock-thread,player-lab}.test.ts',
  'test/e2e/two-{friends,links,nodes,pages}.test.ts',
  'test/e2e/{interruptions,redis-hub-clock}.test.ts',
  // Without a page, but it judges who waits and who is out of step.
  'test/e2e/rolling-upgrade.test.ts',
];
// Pages whose sound nobody measures are among them.
const processes = [
  'test/e2e/**/*.test.ts',
  'test/web/{load-report,page,page-controls,page-device}.test.ts',
];

// Those that need no more than what they make themselves.
const pure = [
  'test/domain/**/*.test.ts',
  'test/protocol/**/*.test.ts',
  'test/clock/**/*.test.ts',
  'test/http/**/*.test.ts',
  'test/hub/**/*.test.ts',
  'test/{bench,loadtest}/**/*.test.ts',
  // But for the one that loads others of them once more: in their own worker they would be loaded already, and it would have no test.
  'test/client/!(suites-in-worker).test.ts',
];

export default defineConfig({
  test: {
    reporters: ['default', './scripts/test-report.mjs'],
    testTimeout: 20_000,
    hookTimeout: 300_000,
    // What fails once beside real servers, processes and pages, and not again, may be the machine. It may be a race of ours too:
    // scripts/test-report.mjs names it.
    retry: 1,
    // The next file of the same worker is not to find them.
    unstubGlobals: true,
    // A busy machine takes longer than a second for what is waited for; whoever comes sooner goes on sooner.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          // It must pass at once.
          retry: 0,
          include: pure,
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: [...pages, ...processes, ...pure, 'node_modules/**'],
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: processes,
          exclude: [...pages, 'node_modules/**'],
          // Some start a dozen processes, one after the other, beside as much of others: a limit ends what hangs, and judges no machine.
          testTimeout: 300_000,
          expect: { poll: { timeout: 30_000 } },
          isolate: false,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'pages',
          include: pages,
          isolate: false,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
