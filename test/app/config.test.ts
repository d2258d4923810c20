import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BadConfig, configReference, readConfig } from '../../src/config.ts';
import { productionFaults } from '../../src/production-faults.ts';
import { SECRET_KEYS } from '../../src/secret-files.ts';
import { SeededRandom } from '../support/seeded-random.ts';

function faultsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof BadConfig)) throw error;
    return error.message.split('\n');
  }
}

describe('the configuration', () => {
  it('needs nothing', () => {
    const config = readConfig({});
    expect(config).toMatchObject({ port: 8080, guests: true, mediaDir: undefined });
    expect(config.hub.isAllowedOrigin('http://localhost:8080', 'localhost:8080')).toBe(true);
    expect(config.hub.isAllowedOrigin('http://elsewhere.example', 'localhost:8080')).toBe(false);
  });

  it('is frozen to the last member', () => {
    const config = readConfig({});
    expect(
      Object.isFrozen(config) && Object.isFrozen(config.hub) && Object.isFrozen(config.hub.domain),
    ).toBe(true);
  });

  it('names every bad key at once', () => {
    const read = () =>
      readConfig({
        PORT: '70000',
        LOG_LEVEL: 'loud',
        TOKEN_SECRET: 'x',
        MAX_CONNECTIONS: '0',
        PUBLIC_URL: 'ftp://x',
      });
    expect(read).toThrow(BadConfig);
    const lines = (() => {
      try {
        read();
      } catch (error) {
        return (error as Error).message.split('\n');
      }
      return [];
    })();
    expect(lines.map((line) => line.split(':')[0])).toEqual([
      'PORT',
      'PUBLIC_URL',
      'LOG_LEVEL',
      'TOKEN_SECRET',
      'MAX_CONNECTIONS',
    ]);
    for (const line of lines) expect(line.length).toBeLessThan(120);
  });

  it('checks keys against each other', () => {
    expect(() => readConfig({ SOFT_BUFFER_BYTES: '10', HARD_BUFFER_BYTES: '10' })).toThrow(
      /SOFT_BUFFER_BYTES/,
    );
    expect(() => readConfig({ ALLOWED_ORIGINS: 'https://ok.example, nonsense' })).toThrow(
      /"nonsense"/,
    );
    const { hub } = readConfig({ ALLOWED_ORIGINS: 'https://ok.example' });
    expect(hub.isAllowedOrigin('https://ok.example', 'hub.example')).toBe(true);
    expect(hub.isAllowedOrigin('https://hub.example', 'hub.example')).toBe(false);
    expect(hub.isAllowedOrigin(undefined, 'hub.example')).toBe(true);
  });

  it('lets rooms stay in Redis only where that is asked for', () => {
    const env = { REDIS_URL: 'redis://here', POSTGRES_URL: 'postgresql://here/earshot' };
    expect(readConfig(env).redis?.idleRoomMs).toBe(24 * 3_600_000);
    expect(readConfig({ ...env, REDIS_IDLE_ROOM_HOURS: '0' }).redis?.idleRoomMs).toBeUndefined();
  });

  it('lets processes serve together only where rooms are shared', () => {
    const CLUSTER_WORKERS = '2';
    expect(faultsOf({ CLUSTER_WORKERS })).toEqual([
      expect.stringMatching(/^CLUSTER_WORKERS: .*REDIS_URL must be set$/),
    ]);
    const env = { REDIS_URL: 'redis://here', POSTGRES_URL: 'postgresql://here/earshot' };
    expect(readConfig({ ...env, CLUSTER_WORKERS }).clusterWorkers).toBe(2);
    expect(readConfig({ CLUSTER_WORKERS: '1' }).clusterWorkers).toBe(1);
  });

  it('names a bad address without the password in it', () => {
    const POSTGRES_URL = 'postgresql://here/earshot';
    for (const REDIS_URL of [
      'http://ana:sec@ret@here',
      'ana:sec@ret@here:6379',
      'redis:ana:secret@here',
    ]) {
      const read = (): unknown => readConfig({ POSTGRES_URL, REDIS_URL });
      expect(read).toThrow(/^REDIS_URL: .*no address/);
      expect(read).not.toThrow(/sec|ret/);
    }
  });

  it('takes an empty value for none', () => {
    expect(readConfig({ PORT: '', MEDIA_DIR: '' })).toMatchObject({
      port: 8080,
      mediaDir: undefined,
    });
  });

  it('takes a value of blanks alone for none, and not for 0', () => {
    const blank = { DRAIN_MS: ' ', REDIS_IDLE_ROOM_HOURS: '\t ', PORT: '  ', MEDIA_DIR: ' ' };
    expect(readConfig(blank)).toEqual(readConfig({}));
    const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(readConfig({ ...collector, TRACE_RATIO: ' ' }).traces?.ratio).toBe(0.01);
  });

  it('refuses a time that a timer cannot wait for, of every key', () => {
    const times = configReference()
      .map(({ key }) => key)
      .filter((key) => key.endsWith('_MS'));
    expect(times).toContain('HELLO_TIMEOUT_MS');
    for (const key of times)
      expect(faultsOf({ [key]: String(2 ** 31) })).toEqual([
        expect.stringMatching(new RegExp(`^${key}: .*expected number to be <=`)),
      ]);
    // Its answer has three times as long.
    expect(faultsOf({ HELLO_TIMEOUT_MS: String(Math.ceil(2 ** 31 / 3)) })).toHaveLength(1);
    expect(readConfig({ PRESENCE_GRACE_MS: '86400000' }).hub.presenceGraceMs).toBe(86_400_000);
  });

  it('refuses an origin with a * in it, which would match nothing', () => {
    for (const origin of ['*', 'https://*.example.org', 'https://*'])
      expect(faultsOf({ ALLOWED_ORIGINS: `https://ok.example,${origin}` })).toEqual([
        `ALLOWED_ORIGINS: "${origin}": a * stands for nothing; name each origin in full`,
      ]);
  });

  it('takes a login’s key set by https alone, with its issuer, and never a secret’s algorithm', () => {
    const good = {
      JWT_JWKS_URL: 'https://login.example.org/jwks.json',
      JWT_ISSUER: 'https://login.example.org/',
    };
    expect(readConfig(good).identity.people).toMatchObject({
      keySet: { url: good.JWT_JWKS_URL, algorithms: ['RS256', 'ES256', 'EdDSA'] },
      audience: 'earshot',
    });
    for (const JWT_JWKS_URL of ['http://localhost:9/jwks', 'http://127.0.0.1:9/', 'http://[::1]/'])
      expect(() => readConfig({ ...good, JWT_JWKS_URL })).not.toThrow();
    for (const JWT_JWKS_URL of [
      'http://login.example.org/jwks',
      'http://localhost.example.org/',
      'https://ana:pw@login.example.org/',
      'file:///etc/keys',
      'keys',
    ]) {
      expect(faultsOf({ ...good, JWT_JWKS_URL })).toEqual([
        expect.stringMatching(/^JWT_JWKS_URL: /),
      ]);
    }
    for (const algorithm of ['HS256', 'none', 'RS256,HS512', 'rs256', ','])
      expect(faultsOf({ ...good, JWT_ALGORITHMS: algorithm })[0]).toMatch(/^JWT_ALGORITHMS: "/);
    expect(faultsOf({ JWT_JWKS_URL: good.JWT_JWKS_URL })).toEqual([
      expect.stringMatching(/^JWT_ISSUER: must be set/),
    ]);
    expect(faultsOf({ JWT_ISSUER: 'me' })).toEqual([expect.stringMatching(/^JWT_ISSUER: /)]);
    const TOKEN_SECRET = 'n3Xo8ZqVd2Lr5TbWc9KyHs4Gf7Jm1Pu6';
    expect(faultsOf({ TOKEN_SECRET, JWT_SECRET: TOKEN_SECRET })).toEqual([
      expect.stringMatching(/^JWT_SECRET: must be another one/),
    ]);
  });
});

describe('traces', () => {
  const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };

  it('are made only where a collector is named, of one command in a hundred', () => {
    expect(readConfig({}).traces).toBeUndefined();
    expect(readConfig({ TRACE_RATIO: '1' }).traces).toBeUndefined();
    expect(readConfig({ ...collector, TRACE_RATIO: '0' }).traces).toBeUndefined();
    const url = 'http://collector:4318/v1/traces';
    expect(readConfig(collector).traces).toEqual({ url, headers: {}, ratio: 0.01 });
    const headers = 'Authorization=Basic%20YTpi, x-scope = one';
    expect(readConfig({ ...collector, OTEL_EXPORTER_OTLP_HEADERS: headers }).traces).toEqual({
      url,
      headers: { authorization: 'Basic YTpi', 'x-scope': 'one' },
      ratio: 0.01,
    });
  });

  it('go nowhere else, and what is wrong is named without a header’s value', () => {
    for (const endpoint of [
      'collector:4318',
      'ftp://collector',
      'http://ana:pw@here',
      'http://a?b',
    ])
      expect(faultsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toEqual([
        expect.stringMatching(/^OTEL_EXPORTER_OTLP_ENDPOINT: is no address/),
      ]);
    for (const headers of ['sesame', 'a b=sesame', 'x=%sesame', '=sesame']) {
      const faults = faultsOf({ ...collector, OTEL_EXPORTER_OTLP_HEADERS: headers });
      expect(faults).toEqual([expect.stringMatching(/^OTEL_EXPORTER_OTLP_HEADERS: is no list/)]);
      expect(faults.join()).not.toContain('sesame');
    }
    expect(faultsOf({ OTEL_EXPORTER_OTLP_HEADERS: 'a=b' })).toHaveLength(1);
    expect(faultsOf({ TRACE_RATIO: '2' })).toEqual([expect.stringMatching(/^TRACE_RATIO: /)]);
  });
});

/** What `openssl rand -base64 48` answers. */
const RANDOM = 'vE0mC1m9bq1qk1n0hWnq8m7Cw3oYv6m4Zt0l0m8nS2d1b3W5rYx7kQmJp9aVgTfL';

describe('in production', () => {
  const good = {
    NODE_ENV: 'production',
    TOKEN_SECRET: RANDOM,
    ALLOWED_ORIGINS: 'https://ok.example',
  };

  it('a secret and the origins are all that it takes', () => {
    expect(readConfig(good)).toMatchObject({ allowedOrigins: ['https://ok.example'] });
    const { ALLOWED_ORIGINS: _none, ...env } = good;
    const { hub } = readConfig({ ...env, PUBLIC_URL: 'https://live.example/earshot' });
    expect(hub.isAllowedOrigin('https://live.example', 'live.example')).toBe(true);
    expect(hub.isAllowedOrigin('https://rebound.example', 'rebound.example')).toBe(false);
  });

  it('nothing is asked of another environment, nor of a command that serves nobody', () => {
    expect(() => readConfig({ NODE_ENV: 'development' })).not.toThrow();
    expect(() => readConfig({ NODE_ENV: 'production' }, 'tend')).not.toThrow();
  });

  it('everything that is missing is named, each in a line with what mends it', () => {
    const faults = faultsOf({ NODE_ENV: 'production', REDIS_URL: 'redis://here' });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'TOKEN_SECRET',
      'ALLOWED_ORIGINS',
      'POSTGRES_URL',
    ]);
    expect(faults[0]).toContain('openssl rand -base64 48');
  });

  it('a key that cannot be read hides none of the others, and has one line', () => {
    const faults = faultsOf({
      NODE_ENV: 'production',
      PORT: 'eighty',
      TOKEN_SECRET: 'short',
      REDIS_URL: 'redis://here',
    });
    expect(faults.map((fault) => fault.split(':')[0]).sort()).toEqual([
      'ALLOWED_ORIGINS',
      'PORT',
      'POSTGRES_URL',
      'TOKEN_SECRET',
    ]);
  });

  it.each([
    'changeme-changeme-changeme-changeme',
    'please-change-this-secret-before-use',
    'a secret of all nodes that is long enough',
    'a secret of more than thirty-two bytes',
    'your-256-bit-secret-your-256-bit-secret',
    'your_token_secret_goes_right_here_ok',
    'my-super-secret-jwt-signing-value-2024',
    'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    '0123456789abcdef0123456789abcdef',
    'abababababababababababababababababab',
    '00000000000000000000000000000001',
    'password-password-password-12345678',
  ])('a secret that was left at an example is refused (%s)', (weak) => {
    const [own, ...others] = faultsOf({ ...good, TOKEN_SECRET: weak });
    expect(own).toMatch(/^TOKEN_SECRET: .*openssl rand/);
    expect(own).not.toContain(weak);
    expect(others).toEqual([]);
    expect(faultsOf({ ...good, JWT_SECRET: weak })[0]).toMatch(/^JWT_SECRET: /);
  });

  it('random secrets are taken', () => {
    // Of a seed: chance spells `example`, or the like, once in forty million.
    const random = new SeededRandom(7);
    const refused: string[] = [];
    // One in ten thousand that is refused would be somebody's bad morning.
    for (let n = 0; n < 20_000; n += 1) {
      const bytes = Buffer.from(Array.from({ length: 32 }, () => random.int(256)));
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        const TOKEN_SECRET = bytes.toString(encoding);
        if (productionFaults({ ...good, TOKEN_SECRET }).length > 0) refused.push(TOKEN_SECRET);
      }
    }
    expect(refused).toEqual([]);
  });
});

describe('backups', () => {
  it('are of the embedded database, into a folder that is named', () => {
    expect(readConfig({}).backup).toBeUndefined();
    expect(readConfig({ BACKUP_DIR: '/srv/backups' }).backup).toEqual({
      ...{ dir: '/srv/backups', everyMs: 86_400_000, kept: 7 },
    });
    expect(readConfig({ BACKUP_DIR: '/srv/backups', BACKUP_HOURS: '0' }).backup).toMatchObject({
      everyMs: undefined,
    });
    expect(faultsOf({ BACKUP_DIR: '/b', POSTGRES_URL: 'postgres://db/earshot' })).toEqual([
      expect.stringMatching(/^BACKUP_DIR: is for the embedded database alone/),
    ]);
    expect(
      faultsOf({ BACKUP_HOURS: '1000', BACKUPS_KEPT: '0' }).map((fault) => fault.split(':')[0]),
    ).toEqual(['BACKUP_HOURS', 'BACKUPS_KEPT']);
  });
});

describe('secrets in files', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'earshot-secrets-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const fileOf = (name: string, content: string): string => {
    const file = path.join(dir, name);
    writeFileSync(file, content);
    return file;
  };

  it('are taken without the white space around them', () => {
    const config = readConfig({
      TOKEN_SECRET_FILE: fileOf('token', `${'s'.repeat(32)}\n`),
      POSTGRES_URL_FILE: fileOf('postgres', 'postgres://ana:a%20b@here/earshot\r\n'),
      REDIS_URL_FILE: fileOf('redis', ' redis://here:6379\n'),
      MONGODB_URL_FILE: fileOf('mongo', 'mongodb://here'),
      REDIS_PASSWORD_FILE: '',
    });
    expect(config).toMatchObject({
      tokenSecret: 's'.repeat(32),
      postgres: { url: 'postgres://ana:a%20b@here/earshot' },
      redis: { target: { kind: 'single', url: 'redis://here:6379' } },
      mongo: { target: { url: 'mongodb://here' } },
    });
  });

  it('and names those that cannot be used, beside every other bad key', () => {
    const missing = path.join(dir, 'missing');
    const empty = fileOf('empty', '\n');
    const env = {
      PORT: 'x',
      REDIS_URL: 'redis://here',
      REDIS_URL_FILE: fileOf('also', 'redis://there'),
      POSTGRES_URL_FILE: missing,
      MONGODB_URL_FILE: dir,
      TOKEN_SECRET_FILE: empty,
    };
    let told = '';
    try {
      readConfig(env);
    } catch (error) {
      if (error instanceof BadConfig) told = error.message;
    }
    expect(told.split('\n').slice(1)).toEqual([
      'REDIS_URL_FILE: REDIS_URL is set as well; leave one of them out',
      `POSTGRES_URL_FILE: ${missing} cannot be read (ENOENT)`,
      `MONGODB_URL_FILE: ${dir} cannot be read (EISDIR)`,
      `TOKEN_SECRET_FILE: ${empty} is empty`,
    ]);
    expect(told).toMatch(/^PORT: /);
  });

  it('whose content is checked as if it stood in the environment', () => {
    const read = (): unknown => readConfig({ TOKEN_SECRET_FILE: fileOf('short', 'x') });
    expect(read).toThrow('TOKEN_SECRET: needs at least 32 characters');
  });

  it('for keys that there are', () => {
    const keys = configReference().map(({ key }) => key);
    expect(keys).toEqual(expect.arrayContaining([...SECRET_KEYS]));
  });
});

describe('the configuration’s page', () => {
  it('is documented key by key; `npm run generate` writes it', async () => {
    const rows = configReference().map(
      ({ key, fallback, meaning }) =>
        `| \`${key}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${meaning} |`,
    );
    const page = [
      '# Configuration',
      '',
      'Everything is read from the environment, once, at start. An empty value, or one of blanks alone, counts as none. Whatever is wrong is named, all at once, and nothing starts.',
      '',
      `A secret may stand in a file instead, as containers get theirs: ${SECRET_KEYS.map((key) => `\`${key}_FILE\``).join(', ')} name the file whose content, without the white space around it, is the value. A file that cannot be read, is empty, or is named beside the key itself is a fault.`,
      '',
      '| key | default | meaning |',
      '|---|---|---|',
      ...rows,
      '',
    ].join('\n');
    await expect(page).toMatchFileSnapshot('../../docs/configuration.md');
  });
});
