import { describe, expect, it } from 'vitest';
import { BadConfig, configReference, readConfig } from '../../src/config.ts';

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
      '| key | default | meaning |',
      '|---|---|---|',
      ...rows,
      '',
    ].join('\n');
    await expect(page).toMatchFileSnapshot('../../docs/configuration.md');
  });
});
