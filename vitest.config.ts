import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/support/**', 'node_modules/**'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Two cores: real servers, browsers and property tests beside each other would starve the timings of e2e tests.
    maxWorkers: 2,
    reporters: ['default'],
  },
});
