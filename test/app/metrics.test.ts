// The page of the metrics says what there is, and what there is follows the rules of their names.
import { describe, expect, it } from 'vitest';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import { nodeMetrics, ownMetrics, unitOf, type MetricRow } from '../support/all-metrics.ts';

const own = await ownMetrics();

describe('the metrics', () => {
  it('are named as Prometheus would have them, each once, in base units', () => {
    const names = own.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, kind } of own) {
      expect(name).toMatch(/^earshot_[a-z]+(_[a-z]+)*$/);
      expect(name).not.toMatch(/_(ms|millis\w*|kb|minutes|hours)(_total)?$/);
      expect(name.endsWith('_total')).toBe(kind === 'counter');
    }
  });

  it('have a sentence each', () => {
    for (const { help } of own) expect(help).toMatch(/^[A-Z0-9].*[^.]\.$/);
  });

  it('have few labels, of which none is a person’s, a room’s or an address’s', () => {
    const labels = new Set(own.flatMap((row) => row.labels));
    expect([...labels].sort()).toEqual(['code', 'limit', 'outcome', 'store', 'version']);
  });
});

describe('the metrics of Node', () => {
  it('have the labels that are in an exposition', async () => {
    const { body } = await createPromMetrics().exposition();
    const rows = await nodeMetrics();
    for (const [, series = '', labels = ''] of body.matchAll(/^(\w+)\{(.*)\} /gm)) {
      const row = rows.find(({ name, kind }) =>
        kind === 'histogram' ? series.startsWith(name) : series === name,
      );
      const named = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label);
      expect(row?.labels, series).toEqual(
        expect.arrayContaining(named.filter((label) => label !== 'le')),
      );
    }
    const labelsOf = (name: string) => rows.find((row) => row.name === name)?.labels;
    expect(labelsOf('nodejs_gc_duration_seconds')).toEqual(['kind']);
    expect(labelsOf('nodejs_heap_space_size_used_bytes')).toEqual(['space']);
    expect(labelsOf('process_open_fds')).toEqual([]);
  });
});

describe('the metrics’ page', () => {
  it('has them all; `npm run generate` writes it', async () => {
    const row = (each: MetricRow): string =>
      `| \`${each.name}\` | ${each.kind} | ${unitOf(each)} | ${each.labels.map((label) => `\`${label}\``).join(', ')} | ${each.help} |`;
    const valuesOf = (name: string): string => {
      const { values = [] } = own.find((each) => each.name === name) ?? {};
      expect(values).not.toEqual([]);
      return values.map((value) => `\`${value}\``).join(', ');
    };
    const head = ['| name | kind | unit | labels | meaning |', '|---|---|---|---|---|'];
    const page = [
      '# Metrics',
      '',
      '`/metrics` answers in the text format of Prometheus. [operations.md](operations.md#what-to-watch) says which of them to look at, and what to do when they are off.',
      '',
      `Where several workers serve, each figure has the label \`worker\`, too. Labels have few values: \`code\` those of the protocol’s errors, \`limit\` (${valuesOf('earshot_connections_refused_total')}), \`outcome\` those of an append (\`committed\`, \`conflict\`, \`moved\`, \`duplicate\`, \`failed\`), \`store\` (\`redis\`, \`postgres\`, \`mongodb\`), \`version\` the release that runs. No figure is of one room or one person.`,
      '',
      '## Of Earshot',
      '',
      'What counts an archive, an outbox or Redis is there where such a store is configured.',
      '',
      ...head,
      ...own.map(row),
      '',
      '## Of Node and the process',
      '',
      'The event loop’s delay is `nodejs_eventloop_lag_…`: while it is high, everybody of this process waits.',
      '',
      ...head,
      ...(await nodeMetrics()).map(row),
      '',
    ].join('\n');
    await expect(page).toMatchFileSnapshot('../../docs/metrics.md');
  });
});
