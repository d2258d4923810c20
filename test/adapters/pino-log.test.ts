// What a line of the log keeps, and what it never has in it.
import { describe, expect, it } from 'vitest';
import { createPinoLog } from '../../src/adapters/system/pino-log.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJlLW9mLWl0';

function logged(write: (log: ReturnType<typeof createPinoLog>) => void): string {
  let text = '';
  write(createPinoLog('debug', { write: (line: string) => (text += line) }));
  return text;
}

describe('a line of the log', () => {
  it('is JSON with its level, its time and the ids that it was given, also by its parents', () => {
    const text = logged((log) =>
      log.child({ node: 'n1' }).child({ worker: 2 }).warn({ roomId: 'r1' }, 'a word'),
    );
    expect(JSON.parse(text)).toMatchObject({
      level: 'warn',
      node: 'n1',
      worker: 2,
      roomId: 'r1',
      msg: 'a word',
    });
    expect(Date.parse((JSON.parse(text) as { time: string }).time)).not.toBeNaN();
  });

  it.each([
    ['a token by its name', { token: 'sesame' }, 'sesame'],
    ['a header', { request: { headers: { authorization: 'sesame' } } }, 'sesame'],
    ['a password in an object', { target: { password: 'sesame' } }, 'sesame'],
    ['a token in another field', { reason: `cannot read ${JWT}` }, JWT],
    ['a part of a token', { reason: `cannot read ${JWT.slice(0, 40)}` }, JWT.slice(0, 30)],
    ['a header in a text', { reason: 'Authorization: Bearer sesame-1' }, 'sesame-1'],
    ['a store’s address', { url: 'postgresql://ana:ses@me:5@db:5432/earshot' }, 'ses@me'],
    ['a media URL', { url: '/media/t1?expires=17&signature=sesame_-' }, 'sesame'],
    ['an invite', { url: 'https://live.example/r/ABCD2345?invite=sesame' }, 'sesame'],
    ['a link to a device', { url: 'https://live.example/link/SESAME' }, 'SESAME'],
    ['an error’s message', { err: new Error(`refused: redis://:sesame@host`) }, 'sesame'],
    [
      'the cause of an error',
      { err: new Error('refused', { cause: new Error(`by ${JWT}`) }) },
      JWT,
    ],
  ])('has no secret in it: %s', (_, fields, secret) => {
    const text = logged((log) => log.error(fields, 'it failed'));
    expect(text).not.toContain(secret);
    expect(JSON.parse(text)).toMatchObject({ msg: 'it failed' });
  });

  it('has none in its message either, and keeps what is none', () => {
    expect(logged((log) => log.info({}, `taken: ${JWT}`))).not.toContain(JWT);
    const plain = {
      url: 'http://127.0.0.1:8080/v1/rooms/ABCD2345?limit=5',
      stores: 'Redis 8.2 (single)',
    };
    expect(JSON.parse(logged((log) => log.info(plain, 'a word')))).toMatchObject(plain);
  });
});
