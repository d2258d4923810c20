import { defineConfig } from 'vitest/config';

// Two groups, one after the other. What measures real time (whole processes, Chromium) runs alone, a file at a time: beside other
// tests on two cores its audio would starve, and its figures would be about the machine.
const realTime = ['test/e2e/**/*.test.ts', 'test/web/**/*.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: [...realTime, 'node_modules/**'],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'real-time',
          include: realTime,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
