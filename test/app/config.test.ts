import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BadConfig, configReference, readConfig } from '../../src/config.ts';
import { SECRET_KEYS } from '../../src/secret-files.ts';

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

  describe('takes secrets from files', () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'earshot-secrets-'));
    afterAll(() => rmSync(dir, { recursive: true, force: true }));
    const fileOf = (name: string, content: string): string => {
      const file = path.join(dir, name);
      writeFileSync(file, content);
      return file;
    };

    it('without the white space around them', () => {
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

  it('is documented key by key; `npm run generate` writes it', async () => {
    const rows = configReference().map(
      ({ key, fallback, meaning }) =>
        `| \`${key}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${meaning} |`,
    );
    const page = [
      '# Configuration',
      '',
      'Everything is read from the environment, once, at start. An empty value counts as none. Whatever is wrong is named, all at once, and nothing starts.',
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
