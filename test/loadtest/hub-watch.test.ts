// What several hubs tell of themselves, as one.
import { expect, it } from 'vitest';
import { shownOf, togetherOf } from '../../loadtest/hub-watch.ts';

it('adds what hubs count, and takes the lag of the slowest one', () => {
  const one = shownOf('earshot_connections 40\nnodejs_eventloop_lag_p99_seconds 0.012\n');
  const other = shownOf('earshot_connections 2\nnodejs_eventloop_lag_p99_seconds 0.030\n');
  expect(togetherOf([one, other, {}])).toEqual({
    earshot_connections: 42,
    nodejs_eventloop_lag_p99_seconds: 0.03,
  });
});
