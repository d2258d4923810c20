// What docs/deploying.md shows is what the service takes, and what the alerts and the autoscaler ask for.
// Its override of compose.yaml is read by Compose's own loader, in check.test.ts.
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { configReference, readConfig } from '../../src/config.ts';

const page = readFileSync('docs/deploying.md', 'utf8');

/** The block of the page whose first line is this comment. */
function shown(comment: string): string {
  const blocks = [...page.matchAll(/^```\w+\n([^]*?)^```$/gm)].map(([, block = '']) => block);
  const found = blocks.filter((block) => block.startsWith(`# ${comment}\n`));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
}

it('hub.env sets what there is to set, and nothing that compose.yaml states itself', () => {
  const settings = parseEnv(shown('deploy/hub.env')) as Record<string, string>;
  const keys = Object.keys(settings);
  expect(keys.length).toBeGreaterThan(3);
  expect(configReference().map(({ key }) => key)).toEqual(expect.arrayContaining(keys));
  expect(() => readConfig(settings)).not.toThrow();
  const { services } = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true }) as {
    services: Record<string, { environment?: Record<string, string> }>;
  };
  expect(keys.filter((key) => key in (services['hub-1']?.environment ?? {}))).toEqual([]);
});

interface Job {
  readonly job_name: string;
  readonly kubernetes_sd_configs: readonly { readonly namespaces: { readonly names: string[] } }[];
  readonly relabel_configs: readonly {
    source_labels: string[];
    regex?: string;
    target_label?: string;
  }[];
}

it('Prometheus knows the pods by the job that the alerts name, in the namespace of the overlays', () => {
  const { scrape_configs: jobs } = parse(shown('prometheus.yml')) as { scrape_configs: Job[] };
  const [job] = jobs;
  const alerts = readFileSync('deploy/observability/alerts.yaml', 'utf8');
  expect(jobs.map(({ job_name }) => job_name)).toEqual(['earshot']);
  expect(alerts).toContain(`job="${job?.job_name ?? ''}"`);
  const overlay = parse(
    readFileSync('deploy/kubernetes/overlays/production/kustomization.yaml', 'utf8'),
  ) as { namespace: string };
  expect(job?.kubernetes_sd_configs[0]?.namespaces.names).toEqual([overlay.namespace]);
  const deployment = parse(readFileSync('deploy/kubernetes/base/deployment.yaml', 'utf8')) as {
    spec: { template: { metadata: { annotations: Record<string, string> } } };
  };
  expect(deployment.spec.template.metadata.annotations).toMatchObject({
    'prometheus.io/scrape': 'true',
    'prometheus.io/path': '/metrics',
  });
  expect(job?.relabel_configs[0]).toMatchObject({
    source_labels: [
      '__meta_kubernetes_pod_annotation_prometheus_io_scrape',
      '__meta_kubernetes_pod_phase',
    ],
    regex: 'true;Running',
  });
});

it('the adapter gives the autoscaler its metric, by the labels that Prometheus puts to it', () => {
  const { rules } = parse(shown('values of the chart prometheus-adapter')) as {
    rules: {
      custom: { seriesQuery: string; resources: { overrides: object }; metricsQuery: string }[];
    };
  };
  const [rule] = rules.custom;
  const autoscaler = parse(readFileSync('deploy/kubernetes/base/autoscaler.yaml', 'utf8')) as {
    spec: { metrics: { pods?: { metric: { name: string } } }[] };
  };
  const [metric] = autoscaler.spec.metrics.flatMap(({ pods }) => pods?.metric.name ?? []);
  expect(rule?.seriesQuery).toBe(`${metric ?? ''}{job="earshot",namespace!="",pod!=""}`);
  const { scrape_configs: jobs } = parse(shown('prometheus.yml')) as { scrape_configs: Job[] };
  const put = jobs[0]?.relabel_configs.flatMap(({ target_label }) => target_label ?? []);
  expect(Object.keys(rule?.resources.overrides ?? {})).toEqual(put);
});
