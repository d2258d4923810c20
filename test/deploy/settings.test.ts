// What the deployments set is what the service takes, and the secrets that are made for them are ones that it can use.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
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
import { configReference, readConfig } from '../../src/config.ts';
import { SECRET_KEYS } from '../../src/secret-files.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'earshot-deploy-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** `deploy/` in a place of its own, with an engine that only writes down what it is told. */
function deployment(): { readonly up: (...args: string[]) => string; readonly secrets: string } {
  const copy = mkdtempSync(path.join(dir, 'copy-'));
  cpSync('deploy', copy, { recursive: true });
  const bin = path.join(copy, 'bin');
  mkdirSync(bin);
  const engine = path.join(bin, 'docker');
  writeFileSync(engine, '#!/bin/sh\necho "docker $*"\n');
  chmodSync(engine, 0o755);
  return {
    secrets: path.join(copy, 'secrets'),
    up: (...args) => {
      const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
      const command = path.join(copy, 'up.sh');
      const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
      return stdout.trim().split('\n').at(-1) ?? '';
    },
  };
}

const contentsOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'utf8').trim()]),
  );

type Settings = Readonly<Record<string, string>>;

function settingsOfCompose(): Settings {
  const file = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true }) as {
    services: Record<string, { environment: Settings }>;
  };
  const settings = { ...file.services['hub-1']?.environment };
  // What is put in from deploy/.env, where nothing is said there.
  for (const [key, value] of Object.entries(settings))
    settings[key] = value.replace(/\$\{\w+(?::-(.*?)|:\+.*?)\}/, '$1');
  return settings;
}

/** @param part a folder of `deploy/kubernetes` */
function settingsOfKubernetes(part = 'base'): Settings {
  const text = readFileSync(`deploy/kubernetes/${part}/kustomization.yaml`, 'utf8');
  const file = parse(text) as { configMapGenerator?: { literals: string[] }[] };
  const lines = (file.configMapGenerator ?? []).flatMap(({ literals }) => literals);
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/, 2) as [string, string]));
}

describe('one command', () => {
  it('makes secrets that others of the machine cannot reach, and starts all', () => {
    const { up, secrets } = deployment();
    expect(up('--quiet-pull')).toBe(
      'docker compose -f compose.yaml up --detach --build --wait --remove-orphans --quiet-pull',
    );
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
    const env = Object.entries(settings).map(([key, value]) => [
      key,
      value.replace(/^\/run\/secrets\/(?:earshot\/)?/, `${secrets}/`),
    ]);
    const config = readConfig(Object.fromEntries(env) as Settings);
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
    const env = Object.entries(settings).map(([key, value]) => [
      key,
      value.replace(/^\/run\/secrets\/earshot\//, `${secrets}/`),
    ]);
    const known = [
      ...configReference().map(({ key }) => key),
      ...SECRET_KEYS.map((key) => `${key}_FILE`),
    ];
    expect(known).toEqual(expect.arrayContaining(Object.keys(settings)));
    expect(() => readConfig(Object.fromEntries(env) as Settings)).not.toThrow();
  },
);

it('the stop of a container leaves the hubs the time that they take', () => {
  const { services } = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true }) as {
    services: Record<string, { stop_grace_period?: string }>;
  };
  const grace = Number.parseInt(services['hub-1']?.stop_grace_period ?? '10', 10) * 1_000;
  const { DRAIN_MS, DRAIN_MAX_MS } = settingsOfCompose();
  const longestMs = Math.max(Number(DRAIN_MS), Number(DRAIN_MAX_MS));
  expect(grace).toBeGreaterThanOrEqual(longestMs + 10_000);
});

it.each(['secrets.sh', 'up.sh', 'mongo/start.sh', 'mongo/initiate.sh'])(
  '%s can be read by a shell',
  (file) => {
    const { status, stderr } = spawnSync('sh', ['-n', path.join('deploy', file)], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  },
);

it('what initiates MongoDB can be read by its shell, which is Node', () => {
  const text = readFileSync('deploy/mongo/initiate.mongodb', 'utf8');
  expect(() => new Script(text)).not.toThrow();
});
