// Alerts and dashboard ask for what the service tells, and whoever is woken finds what to do.
// Prometheus' own parser reads them in check.test.ts; this needs no Go.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { nodeMetrics, ownMetrics } from '../support/all-metrics.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}
interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const read = (file: string): string => readFileSync(file, 'utf8');
const rules = (
  parse(read('deploy/observability/alerts.yaml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
const { panels } = JSON.parse(read('deploy/observability/dashboard.json')) as { panels: Panel[] };
const questions = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => [title, expr] as const),
);
const metrics = [...(await ownMetrics()), ...(await nodeMetrics())];
const series = new Set([
  ...metrics.flatMap(({ name, kind }) =>
    kind === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  ),
  // Prometheus' own, of each that it asks.
  'up',
]);

function namesIn(expression: string): string[] {
  return expression.match(/\b(?:(?:earshot|nodejs|process)_\w+|up\b)/g) ?? [];
}

describe('the alerts', () => {
  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s asks for what there is',
    (_, rule) => {
      const names = namesIn(rule.expr);
      expect(names.length).toBeGreaterThan(0);
      expect(names.filter((name) => !series.has(name))).toEqual([]);
    },
  );

  it('have a runbook each, and no runbook is left over', () => {
    const page = read('docs/operations.md');
    const chapter = page.slice(page.indexOf('## Runbooks'), page.indexOf('## Troubleshooting'));
    const runbooks = [...chapter.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    expect(runbooks.sort()).toEqual(rules.map(({ alert }) => alert).sort());
    for (const { alert, annotations } of rules)
      expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    for (const part of ['What it means', 'How to see it', 'What to do'])
      expect(chapter.split(`**${part}.**`)).toHaveLength(rules.length + 1);
  });
});

describe('the dashboard', () => {
  it.each(questions)('%s asks for what there is: %s', (_, expression) => {
    expect(namesIn(expression).filter((name) => !series.has(name))).toEqual([]);
  });

  it('has a place of its own for each panel', () => {
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    expect(questions.length).toBeGreaterThan(30);
  });
});

describe('the page for operators', () => {
  it('links to headings that it has', () => {
    const page = read('docs/operations.md');
    const anchors = new Set(
      [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replaceAll(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor);
    expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });
});
