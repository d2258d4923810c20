// The check of what is deployed finds what it is there to find: each fault is put into a copy, and must be named.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 300_000 });

/** file, what stands there, what is put there, what must be said of it */
const FAULTS: readonly (readonly [string, string, string, string])[] = [
  ['Dockerfile', 'USER 10001:10001', 'USER node', 'not root'],
  ['Dockerfile', 'HOST=0.0.0.0', 'HOST=127.0.0.1', 'nobody reaches it'],
  [
    'Dockerfile',
    'CMD ["node", "dist/src/main.js"]',
    'CMD node dist/src/main.js',
    'passes no signal on',
  ],
  ['Dockerfile', 'COPY --from=build /', 'COPY --from=built /', 'no such stage'],
  ['Dockerfile', 'WORKDIR /app', 'WORKDIRS /app', 'unknown instruction'],
  ['Dockerfile', 'AS service', 'as service', 'FromAsCasing'],
  ['Dockerfile', 'NODE_ENV=production', 'TOKEN_SECRET=x', 'a secret would be in the image'],
  ['deploy/compose.yaml', 'restart: unless-stopped', 'restarts: always', "'restarts' not allowed"],
  [
    'deploy/compose.yaml',
    'POSTGRES_URL_FILE: /run/secrets/postgres-url',
    'POSTGRES_URL: a',
    'stands in the environment',
  ],
  [
    'deploy/compose.yaml',
    'secrets: [redis-auth, redis-password]',
    'secrets: [redis-auth]',
    'not given',
  ],
  ['deploy/compose.yaml', './nginx/earshot.conf:', './nginx/hearshot.conf:', 'not there'],
  [
    'deploy/compose.yaml',
    'hub-2: { condition: service_healthy }',
    'hub-3: { condition: service_healthy }',
    'hub-3',
  ],
  [
    'deploy/compose.yaml',
    'http://localhost:${EARSHOT_PORT:-8080}',
    'http://localhost:8080',
    'PUBLIC_URL is http://localhost:8080 where EARSHOT_PORT is 9090',
  ],
  [
    'deploy/compose.yaml',
    '  env_file: [{ path: hub.env, required: false }]\n',
    '',
    "hub-2: runs Earshot's image: true; is given hub.env: false",
  ],
  [
    'deploy/compose.yaml',
    'hub.env, required: false',
    'hub.env, required: true',
    'hub.env not found',
  ],
  [
    'docs/deploying.md',
    '--network earshot_front ',
    '--network earshot_default ',
    'joins nothing to the network earshot_front, in which the hubs are',
  ],
  [
    'deploy/compose/earshot-site.conf',
    '/etc/nginx/site/privkey.pem',
    '/etc/nginx/site/key.pem',
    '/etc/nginx/site/key.pem is not mounted from deploy/site',
  ],
  ['docs/deploying.md', "ports: ['443:8443']", "ports: ['443:443']", 'for TLS is not published'],
  ['docs/deploying.md', '  nginx:\n    ports', '  ngin:\n    ports', 'ngin'],
  ['deploy/compose.yaml', 'image: redis:8', 'image: redis:latest', 'another one tomorrow'],
  ['deploy/kubernetes/base/deployment.yaml', 'readinessProbe:', 'readynessProbe:', 'unknown field'],
  [
    'deploy/kubernetes/base/deployment.yaml',
    'readOnlyRootFilesystem: true',
    'readOnlyRootFilesystem: false',
    'may write to its image',
  ],
  [
    'deploy/kubernetes/base/deployment.yaml',
    'capabilities: { drop: [ALL] }',
    'capabilities: {}',
    'restricted standard',
  ],
  [
    'deploy/kubernetes/base/deployment.yaml',
    'GracePeriodSeconds: 45',
    'GracePeriodSeconds: 30',
    'must be 45 or more',
  ],
  ['deploy/kubernetes/base/deployment.yaml', 'key: redis-url', 'key: redis-uri', 'redis-uri'],
  [
    'deploy/kubernetes/base/kustomization.yaml',
    'earshot/token-secret',
    'earshot/token',
    'not mounted',
  ],
  ['deploy/kubernetes/base/service.yaml', 'targetPort: http', 'targetPort: web', 'no port web'],
  [
    'deploy/kubernetes/base/service.yaml',
    'component: hub }\n  ports',
    'component: hubs }\n  ports',
    'selects no pod',
  ],
  [
    'deploy/kubernetes/base/ingress.yaml',
    'name: earshot-nobody',
    'name: earshot-none',
    'no Service earshot-none',
  ],
  [
    'deploy/kubernetes/base/autoscaler.yaml',
    'kind: Deployment, name: earshot',
    'kind: Deployment, name: hub',
    'no Deployment hub',
  ],
  [
    'deploy/kubernetes/overlays/self-contained/kustomization.yaml',
    'value: 10',
    'value: 15',
    '15 hubs, 1 that a rollout adds and 5 that still end, with a pool of 10 and a lock each, need 236 connections of Postgres, which allows 200',
  ],
  [
    'deploy/kubernetes/base/disruption-budget.yaml',
    'component: hub',
    'component: hubs',
    'selects no pod',
  ],
  ['deploy/kubernetes/base/network-policies.yaml', 'port: http', 'port: https', 'no port https'],
  [
    'deploy/kubernetes/components/traces/network-policy.yaml',
    'port: 4318',
    'port: 4317',
    'OTEL_EXPORTER_OTLP_ENDPOINT is on port 4318, to which no NetworkPolicy lets it',
  ],
  [
    'deploy/kubernetes/components/login-keys/network-policy.yaml',
    'component: hub }',
    'component: migrate }',
    'JWT_JWKS_URL is on port 443, to which no NetworkPolicy lets it',
  ],
  [
    'deploy/kubernetes/overlays/production/kustomization.yaml',
    '- PUBLIC_URL=https://earshot.example',
    '- JWT_JWKS_URL=https://login.example:8443/keys',
    'JWT_JWKS_URL is on port 8443',
  ],
  [
    'deploy/kubernetes/overlays/production/kustomization.yaml',
    '  - certificate-policy.yaml\n',
    '',
    'Ingress earshot: no NetworkPolicy lets anybody in to port 8089 of the pod by which cert-manager proves whose earshot.example is',
  ],
  [
    'deploy/kubernetes/overlays/production/certificate-policy.yaml',
    'port: 8089',
    'port: 8080',
    'lets anybody in to port 8089',
  ],
  [
    'deploy/kubernetes/overlays/production/certificate-policy.yaml',
    'http01-solver:',
    'http-01-solver:',
    'NetworkPolicy certificate-solver: selects no pod',
  ],
  [
    'deploy/kubernetes/overlays/production/kustomization.yaml',
    'port: 6432',
    'port: 6433',
    'Job earshot-migrate: POSTGRES_URL is on port 6432, to which no NetworkPolicy lets it',
  ],
  [
    'deploy/kubernetes/overlays/production/kustomization.yaml',
    'port: 6380',
    'port: 6381',
    'Deployment earshot: REDIS_URL is on port 6380, to which no NetworkPolicy lets it',
  ],
  [
    'deploy/kubernetes/overlays/production/kustomization.yaml',
    'secretGenerator:',
    'generatorOptions: { disableNameSuffixHash: true }\nsecretGenerator:',
    'Secret earshot: no checksum in its name, so no pod takes what is changed in it',
  ],
  [
    'deploy/secrets.sh',
    '@mongo:27017',
    '@mongo:27018',
    'MONGODB_URL is on port 27018, to which no NetworkPolicy lets it',
  ],
  [
    'deploy/kubernetes/base/network-policies.yaml',
    'cidr: 169.254.0.0/16',
    'cidr: 169.254.0.0/20',
    'lets it ask the cache of its node, 169.254.20.10, for names (UDP 53)',
  ],
  [
    'deploy/kubernetes/base/network-policies.yaml',
    '{ protocol: TCP, port: 53 }',
    '{ protocol: TCP, port: 54 }',
    'lets it ask kube-system for names (TCP 53)',
  ],
  [
    'deploy/kubernetes/components/login-keys/kustomization.yaml',
    'kind: Component',
    'kind: Kustomization',
    'with login-keys',
  ],
  [
    'deploy/kubernetes/base/migrate-job.yaml',
    'image: earshot',
    'image: hub:0.0.9',
    'different images',
  ],
  [
    'deploy/kubernetes/stores/redis.yaml',
    'serviceName: redis',
    'serviceName: radis',
    'no Service radis',
  ],
  [
    'deploy/observability/alerts.yaml',
    'absent(earshot_connections)',
    'absent(earshot_connections',
    'unclosed left parenthesis',
  ],
  [
    'deploy/observability/alerts.yaml',
    'expr: earshot_draining == 1',
    'expr: earshot_drains == 1',
    'no metric earshot_drains',
  ],
  [
    'deploy/observability/alerts.yaml',
    'increase(earshot_append_failures_total[5m])',
    'increase(earshot_append_failures_total)',
    'expected type range vector',
  ],
  [
    'deploy/observability/alerts.yaml',
    'refused_total{limit="hub"}',
    'refused_total{limits="hub"}',
    'no label limits',
  ],
  ['deploy/observability/alerts.yaml', '#earshotfull', '#earshotfulls', 'no runbook'],
  ['deploy/observability/alerts.yaml', 'for: 10m', 'for: ten', 'not a valid duration string'],
  ['deploy/observability/alerts.yaml', 'severity: ticket', 'severity: mail', 'severity is "mail"'],
  [
    'deploy/observability/alerts.yaml',
    '{{ $labels.instance }}',
    '{{ $labels.instance }',
    'template',
  ],
  [
    'deploy/observability/alerts.yaml',
    'expr: earshot_ready == 0 and',
    'expr: earshot_ready == 0 or',
    'EarshotNotReady, of three that are not all the same: not ready, drained, ready, after 6m: it says map[',
  ],
  [
    'deploy/observability/alerts.yaml',
    'for: 5m',
    'for: 6m',
    'EarshotNodeGone, after 6m: it says nothing, not map[instance:a',
  ],
  [
    'deploy/observability/alerts.test.yaml',
    'alertname: EarshotArchiveHoles, eval_time: 5m',
    'alertname: EarshotHistoryLost, eval_time: 5m',
    'EarshotArchiveHoles must fire in it, and stay silent',
  ],
  [
    'deploy/observability/dashboard.json',
    'earshot_sync_error_seconds_bucket',
    'earshot_sync_error_seconds',
    'no metric earshot_sync_error_seconds',
  ],
  ['deploy/secrets.sh', '@postgres:5432', '@pg:5432', 'names no Service'],
];

const PARTS = [
  'Dockerfile',
  'deploy',
  'docs/deploying.md',
  'docs/metrics.md',
  'docs/operations.md',
];
const BUILT = '.cache/check-deploy';

const dir = mkdtempSync(path.join(tmpdir(), 'earshot-check-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const first = spawnSync(process.execPath, ['scripts/check-deploy.mjs'], { encoding: 'utf8' });
const isMissing = first.stdout.includes('not checked');
if (isMissing) console.warn(first.stdout.trim());

describe.skipIf(isMissing && first.status === 0)('the check of what is deployed', () => {
  beforeAll(() => {
    for (const part of PARTS) cpSync(part, path.join(dir, part), { recursive: true });
  });

  it('has nothing to say of what is there', () => {
    expect(first.stdout + first.stderr).toMatch(
      /^dockerfile: \d+ .*\ncompose: \d+ .*\nkubernetes: \d+ .*\nobservability: \d+ .*\n$/,
    );
    expect(first.status).toBe(0);
  });

  it.each(FAULTS)('in %s, instead of "%s": "%s"', (file, good, bad, said) => {
    const target = path.join(dir, file);
    const text = readFileSync(target, 'utf8');
    expect(text).toContain(good);
    writeFileSync(target, text.replace(good, bad));
    // What the page shows is an override of Compose.
    const [part = ''] = /dockerfile|compose|observability/.exec(
      file.toLowerCase().replace('docs/deploying.md', 'compose'),
    ) ?? ['kubernetes'];
    const { status, stdout } = spawnSync(BUILT, [dir, part], { encoding: 'utf8' });
    writeFileSync(target, text);
    expect(stdout).toContain(said);
    expect(status).toBe(1);
  });
});
