// What the deployments set is what the service takes, and the secrets that are made for them are ones that it can use.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Script } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configReference, readConfig, type Config } from '../../src/config.ts';
import { SECRET_KEYS } from '../../src/secret-files.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'earshot-deploy-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Deployment {
  /** @returns what the engine was told, in order */
  readonly up: (...args: string[]) => readonly string[];
  readonly secrets: string;
  /** What the engine had in its environment when it was told something last. */
  readonly environment: () => Settings;
  /** Adds a line to a file of `deploy/`, which need not be there. */
  readonly change: (file: string) => void;
  /** From now on there are hubs. */
  readonly serve: () => void;
  /** From now on the engine fails at what ends so. */
  readonly failAt: (words: string) => void;
}

/** `deploy/` in a place of its own, with an engine that only writes down what it is told. */
function deployment(): Deployment {
  const copy = mkdtempSync(path.join(dir, 'copy-'));
  cpSync('deploy', copy, { recursive: true });
  const bin = path.join(copy, 'bin');
  mkdirSync(bin);
  const told = path.join(copy, 'told');
  const command = (name: string, ...lines: string[]): void => {
    const file = path.join(bin, name);
    writeFileSync(file, ['#!/bin/sh', `echo "${name} $*" >> "${told}"`, ...lines, ''].join('\n'));
    chmodSync(file, 0o755);
  };
  let isFailing = false;
  const environment = path.join(copy, 'environment');
  command('docker', `env > "${environment}"`);
  command('sleep');
  return {
    secrets: path.join(copy, 'secrets'),
    environment: () =>
      Object.fromEntries(
        [...readFileSync(environment, 'utf8').matchAll(/^(\w+_(?:FILES|SECRETS))=(.*)$/gm)].map(
          ([, key = '', value = '']) => [key, value],
        ),
      ),
    change: (file) => {
      mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
      appendFileSync(path.join(copy, file), '# another line\n');
    },
    serve: () => command('docker', 'case "$*" in *" ps "*) echo 4f0c ;; esac'),
    failAt: (words) => {
      isFailing = true;
      command('docker', `case "$*" in *" ${words}") exit 1 ;; esac`);
    },
    up: (...args) => {
      const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
      rmSync(told, { force: true });
      const file = path.join(copy, 'up.sh');
      const { status, stderr } = spawnSync(file, args, { env, encoding: 'utf8' });
      expect([status, stderr]).toEqual([isFailing ? 1 : 0, '']);
      return readFileSync(told, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.replace(/^docker compose /, ''));
    },
  };
}

const contentsOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'utf8').trim()]),
  );

type Settings = Readonly<Record<string, string>>;

/** What `up.sh` gives to the engine, by name. */
const exportedOfUp = (): string[] =>
  [...readFileSync('deploy/up.sh', 'utf8').matchAll(/^export (.+)$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  );

function settingsOfCompose(hub = 'hub-1'): Settings {
  const file = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true }) as {
    services: Record<string, { environment: Settings }>;
  };
  const settings = { ...file.services[hub]?.environment };
  // What is put in from deploy/.env, where nothing is said there; the innermost first.
  const INNERMOST = /\$\{\w+(?::-([^${}]*)|:\+[^${}]*)\}/;
  for (const [key, value] of Object.entries(settings)) {
    let text = value;
    while (INNERMOST.test(text)) text = text.replace(INNERMOST, '$1');
    settings[key] = text;
  }
  return settings;
}

/** @param part a folder of `deploy/kubernetes` */
function settingsOfKubernetes(part = 'base'): Settings {
  const text = readFileSync(`deploy/kubernetes/${part}/kustomization.yaml`, 'utf8');
  const file = parse(text) as {
    components?: string[];
    configMapGenerator?: { literals: string[] }[];
  };
  const lines = (file.configMapGenerator ?? []).flatMap(({ literals }) => literals);
  const own = Object.fromEntries(lines.map((line) => line.split(/=(.*)/, 2) as [string, string]));
  const components = (file.components ?? []).map((name) => path.join(part, name));
  return Object.assign(
    {},
    ...components.map((each) => settingsOfKubernetes(each)),
    own,
  ) as Settings;
}

/** @param secrets the folder that is mounted where the settings say */
function configOf(settings: Settings, secrets: string): Config {
  const env = Object.entries(settings).map(([key, value]) => [
    key,
    value.replace(/^\/run\/secrets\/(?:earshot\/)?/, `${secrets}/`),
  ]);
  return readConfig(Object.fromEntries(env) as Settings);
}

describe('one command', () => {
  const ORDER = [
    'build',
    'up --detach --wait redis postgres mongo',
    'run --rm --no-deps -T mongo-initiate',
    'run --rm --no-deps -T migrate',
    'up --detach --wait --no-deps hub-1',
    'up --detach --wait --no-deps hub-2',
    'up --detach --wait --no-deps --remove-orphans nginx',
  ];
  const PS = 'ps --quiet hub-2';
  const steps = (told: readonly string[]): string[] => told.filter((line) => line !== PS);

  it('starts the stores, migrates, then starts one hub after the other, and nginx last', () => {
    expect(steps(deployment().up())).toEqual(ORDER);
  });

  it('where people are connected, leaves nginx the time to find the first hub before the second one goes', () => {
    const { up, serve } = deployment();
    serve();
    expect(up()).toEqual(ORDER.toSpliced(5, 0, PS, 'sleep 10'));
    const nodes = readFileSync('deploy/compose/earshot-nodes.conf', 'utf8');
    const [, valid, failed] = /valid=(\d+)s[^]*fail_timeout=(\d+)s/.exec(nodes) ?? [];
    expect(Number(valid) + Number(failed)).toBeLessThan(10);
  });

  it('starts anew what has a file of ours mounted, where the file has changed', () => {
    const { services } = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true }) as {
      services: Record<string, { volumes?: string[]; labels?: Settings }>;
    };
    const mounting = Object.entries(services).filter(([, { volumes = [] }]) =>
      volumes.some((volume) => /^\.\/.*\.conf:/.test(volume)),
    );
    expect(mounting.map(([name]) => name)).toEqual(['nginx', 'redis']);
    const exported = exportedOfUp();
    for (const [, { labels }] of mounting)
      expect(exported).toContain(/^\$\{(\w+):-\}$/.exec(labels?.['earshot.files'] ?? '')?.[1]);
    const { up, environment, change } = deployment();
    up();
    const before = environment();
    up();
    expect(environment()).toEqual(before);
    for (const [file, key] of [
      ['nginx/earshot.conf', 'NGINX_FILES'],
      ['compose/earshot-site.conf', 'NGINX_FILES'],
      ['redis/earshot.conf', 'REDIS_FILES'],
    ] as const) {
      const was = environment()[key];
      change(file);
      up();
      expect(environment()[key]).not.toBe(was);
    }
  });

  it('starts nginx anew where what an override has mounted from site/ is there, or is another', () => {
    const { up, environment, change } = deployment();
    up();
    const seen = [environment()];
    for (const file of ['site/privkey.pem', 'site/privkey.pem', 'site/earshot-site.conf']) {
      change(file);
      up();
      seen.push(environment());
    }
    expect(new Set(seen.map((each) => each['NGINX_FILES'])).size).toBe(4);
    expect(new Set(seen.map((each) => each['REDIS_FILES'])).size).toBe(1);
  });

  it('starts anew whoever reads a secret, where that secret was replaced, and nobody else', () => {
    const { services } = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true }) as {
      services: Record<string, { secrets?: string[]; labels?: Settings }>;
    };
    const reading = Object.entries(services).flatMap(([name, { secrets = [], labels }]) => {
      if (secrets.length === 0) return [];
      const [, key = ''] = /^\$\{(\w+):-\}$/.exec(labels?.['earshot.secrets'] ?? '') ?? [];
      expect(exportedOfUp(), name).toContain(key);
      return [{ name, secrets, key }];
    });
    const { up, secrets, environment, change } = deployment();
    up();
    for (const secret of readdirSync(secrets)) {
      const before = environment();
      chmodSync(path.join(secrets, secret), 0o600);
      change(`secrets/${secret}`);
      up();
      const after = environment();
      const startedAnew = reading.filter(({ key }) => after[key] !== before[key]);
      expect(startedAnew.map(({ name }) => name)).toEqual(
        reading.filter((each) => each.secrets.includes(secret)).map(({ name }) => name),
      );
      expect(startedAnew, secret).not.toEqual([]);
    }
  });

  it('has a runbook that tells of each secret how it is replaced', () => {
    const [, runbook = ''] =
      /\n## Rotate a secret\n([^]*?)\n## /.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
    const { up, secrets } = deployment();
    up();
    for (const secret of readdirSync(secrets)) expect(runbook).toContain(`\`${secret}\``);
    expect(runbook).toContain('ALTER ROLE earshot PASSWORD');
  });

  it('leaves to Compose which files there are, so that an override is one of them, and git leaves it out', () => {
    expect(readFileSync('deploy/up.sh', 'utf8')).not.toMatch(/docker compose (?:-f|--file)\b/);
    const ignored = readFileSync('.gitignore', 'utf8').split('\n');
    expect(ignored).toEqual(
      expect.arrayContaining([
        'deploy/.env',
        'deploy/hub.env',
        'deploy/compose.override.yaml',
        'deploy/site/',
      ]),
    );
  });

  it('hands on what it is given to whatever starts something', () => {
    const told = steps(deployment().up('--quiet-pull'));
    expect(told.map((line) => line.replace(' --quiet-pull', ''))).toEqual(ORDER);
    for (const line of told)
      expect(line.includes('--quiet-pull')).toBe(line.startsWith('up --detach --wait '));
  });

  it('names each service of compose.yaml once', () => {
    const { services } = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true }) as {
      services: Record<string, unknown>;
    };
    const named = ORDER.flatMap((line) => line.split(' ').slice(1)).filter(
      (word) => !word.startsWith('-'),
    );
    expect(named.sort()).toEqual(Object.keys(services).sort());
  });

  it.each(ORDER.map((line, at) => [line, at] as const))(
    'leaves what comes after it as it was where this fails: %s',
    (line, at) => {
      const { up, failAt } = deployment();
      failAt(line);
      expect(steps(up())).toEqual(ORDER.slice(0, at + 1));
    },
  );

  it('makes secrets that others of the machine cannot reach', () => {
    const { up, secrets } = deployment();
    up();
    expect(statSync(secrets).mode & 0o777).toBe(0o700);
    const made = contentsOf(secrets);
    const passwords = ['postgres-password', 'redis-password', 'mongo-password', 'token-secret'];
    expect(new Set(passwords.map((name) => made[name])).size).toBe(4);
    for (const name of passwords) expect(made[name]).toMatch(/^[\da-f]{48,}$/);
  });

  it('given again, leaves them as they are, and makes what is missing', () => {
    const { up, secrets } = deployment();
    up();
    const before = contentsOf(secrets);
    rmSync(path.join(secrets, 'redis-url'));
    up();
    expect(contentsOf(secrets)).toEqual(before);
  });
});

describe.each([
  ['compose.yaml', settingsOfCompose()],
  ['Kubernetes', settingsOfKubernetes()],
])('the hubs of %s', (_, settings) => {
  const { up, secrets } = deployment();
  up();

  it('set what there is to set', () => {
    const known = [
      ...configReference().map(({ key }) => key),
      ...SECRET_KEYS.map((key) => `${key}_FILE`),
    ];
    expect(known).toEqual(expect.arrayContaining(Object.keys(settings)));
  });

  it('are nodes of one service behind a proxy, which migrates nothing by itself', () => {
    const config = configOf(settings, secrets);
    const made = contentsOf(secrets);
    expect(config).toMatchObject({
      tokenSecret: made['token-secret'],
      postgres: { url: made['postgres-url'], migrate: false },
      redis: { target: { kind: 'single', url: made['redis-url'] } },
      mongo: { target: { url: made['mongodb-url'], database: 'earshot' } },
      mediaDir: undefined,
      hub: { trustProxy: { kind: 'hops', count: 1 } },
    });
    expect(made['redis-auth']).toBe(`requirepass ${made['redis-password'] ?? '-'}`);
    expect(new URL(made['redis-url'] ?? '').password).toBe(made['redis-password']);
    expect(new URL(made['postgres-url'] ?? '').password).toBe(made['postgres-password']);
    expect(new URL(made['mongodb-url'] ?? '').password).toBe(made['mongo-password']);
  });
});

it.each(readdirSync('deploy/kubernetes/components'))(
  'the component %s sets what the hubs take',
  (name) => {
    const { up, secrets } = deployment();
    up();
    const settings = { ...settingsOfKubernetes(), ...settingsOfKubernetes(`components/${name}`) };
    const known = [
      ...configReference().map(({ key }) => key),
      ...SECRET_KEYS.map((key) => `${key}_FILE`),
    ];
    expect(known).toEqual(expect.arrayContaining(Object.keys(settings)));
    expect(() => configOf(settings, secrets)).not.toThrow();
  },
);

describe('in production, which the image says it is,', () => {
  const NODE_ENV = 'production';
  const { up, secrets } = deployment();
  up();
  const base = settingsOfKubernetes();

  const overlays = readdirSync('deploy/kubernetes/overlays').map((name): [string, Settings] => [
    `hubs of the overlay ${name}`,
    { ...base, ...settingsOfKubernetes(`overlays/${name}`) },
  ]);

  it.each([
    ['hub-1 of compose.yaml', settingsOfCompose('hub-1')],
    ['hub-2 of compose.yaml', settingsOfCompose('hub-2')],
    ...overlays,
  ] satisfies [string, Settings][])(
    '%s start: nothing is left to a default that is refused',
    (_, settings) => {
      expect(readFileSync('Dockerfile', 'utf8')).toMatch(/^ENV NODE_ENV=production\b/m);
      const { publicUrl, allowedOrigins } = configOf({ ...settings, NODE_ENV }, secrets);
      expect(allowedOrigins).toEqual([publicUrl]);
    },
  );

  it('the base alone is not to be started: it knows no address of its own', () => {
    expect(() => configOf({ ...base, NODE_ENV }, secrets)).toThrow(/^ALLOWED_ORIGINS: [^\n]*$/);
  });
});

it('the stop of a container leaves the hubs the time that they take', () => {
  const { services } = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true }) as {
    services: Record<string, { stop_grace_period?: string }>;
  };
  const grace = Number.parseInt(services['hub-1']?.stop_grace_period ?? '10', 10) * 1_000;
  const { DRAIN_MS, DRAIN_MAX_MS } = settingsOfCompose();
  const longestMs = Math.max(Number(DRAIN_MS), Number(DRAIN_MAX_MS));
  expect(grace).toBeGreaterThanOrEqual(longestMs + 10_000);
});

it.each(['secrets.sh', 'up.sh', 'backup.sh', 'mongo/start.sh', 'mongo/initiate.sh'])(
  '%s can be read by a shell',
  (file) => {
    const { status, stderr } = spawnSync('sh', ['-n', path.join('deploy', file)], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  },
);

it('MongoDB starts again where the copy of its key has outlived its container, as whoever may only read the key', () => {
  const place = mkdtempSync(path.join(dir, 'mongo-'));
  const isRoot = process.getuid?.() === 0;
  // Of the image; root would be let write to anything.
  const user = isRoot ? { uid: 999, gid: 999 } : {};
  const key = path.join(place, 'mongo-key');
  writeFileSync(key, 'key\n');
  chmodSync(key, 0o440);
  const script = path.join(place, 'start.sh');
  const moved = readFileSync('deploy/mongo/start.sh', 'utf8')
    .replaceAll('/run/secrets/mongo-key', key)
    .replaceAll('/tmp/mongo.key', path.join(place, 'mongo.key'));
  writeFileSync(script, moved);
  const entrypoint = path.join(place, 'docker-entrypoint.sh');
  writeFileSync(entrypoint, '#!/bin/sh\necho "$*"\n');
  chmodSync(entrypoint, 0o755);
  if (isRoot) {
    for (const each of [dir, place]) chmodSync(each, 0o755);
    chownSync(place, 999, 999);
    chownSync(key, 0, 999);
  }
  const env = { PATH: `${place}:${process.env['PATH'] ?? ''}` };
  for (const start of ['first', 'second']) {
    const { status, stdout, stderr } = spawnSync('sh', [script], {
      env,
      encoding: 'utf8',
      ...user,
    });
    expect([start, status, stderr]).toEqual([start, 0, '']);
    expect(stdout).toContain(`--keyFile ${path.join(place, 'mongo.key')}`);
    expect(statSync(path.join(place, 'mongo.key')).mode & 0o777).toBe(0o400);
  }
});

it('what initiates MongoDB can be read by its shell, which is Node', () => {
  const text = readFileSync('deploy/mongo/initiate.mongodb', 'utf8');
  expect(() => new Script(text)).not.toThrow();
});

it('no request is in the log of ingress-nginx, whose lines have signatures and invites', () => {
  const { metadata } = parse(readFileSync('deploy/kubernetes/base/ingress.yaml', 'utf8')) as {
    readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  };
  expect(metadata.annotations['nginx.ingress.kubernetes.io/enable-access-log']).toBe('false');
});
