// A backup by REST: who may ask for one, and what is answered where it is made, fails, or cannot be.
import { describe, expect, it } from 'vitest';
import { BackupFailed, type Backup } from '../../src/ports/backups.ts';
import { appOver, call, type Answer } from '../support/http-calls.ts';
import { HubWorld } from '../support/hub-world.ts';
import { termedAuthenticator, tokenOf } from '../support/termed-tokens.ts';

const OPERATOR = tokenOf(99, { isOperator: true });
const BACKUP: Backup = {
  ...{ name: 'earshot-20260131T120000Z', takenAt: 1_769_860_800_000, bytes: 39_000_000 },
  tookMs: 120.4,
};

function ask(make: (() => Promise<Backup>) | undefined, token?: string): Promise<Answer> {
  const app = appOver(new HubWorld(), {
    authenticator: termedAuthenticator(() => Date.now()),
    // Where operators may ask for anything.
    fellows: {} as never,
    ...(make === undefined ? {} : { backups: { make } }),
  });
  const as = token === undefined ? {} : { token };
  return call(app, '/v1/operator/backups', { method: 'POST', ...as });
}

describe('a backup that an operator asks for', () => {
  it('is made for them alone', async () => {
    let made = 0;
    const make = (): Promise<Backup> => {
      made += 1;
      return Promise.resolve(BACKUP);
    };
    expect((await ask(make)).status).toBe(401);
    expect((await ask(make, tokenOf(1))).status).toBe(403);
    expect(made).toBe(0);
    expect(await ask(make, OPERATOR)).toMatchObject({
      status: 201,
      body: { ...BACKUP, tookMs: 120 },
    });
    expect(made).toBe(1);
  });

  it('that fails says so, and not why: that is in the log', async () => {
    const fails = () => Promise.reject(new BackupFailed(new Error('EACCES /srv/backups')));
    const { status, body } = await ask(fails, OPERATOR);
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: 'unavailable', retryAfterMs: 60_000 });
    expect(JSON.stringify(body)).not.toContain('/srv');
  });

  it('is refused where there is nothing to back up, with what it takes', async () => {
    const { status, body } = await ask(undefined, OPERATOR);
    expect(status).toBe(409);
    expect(body).toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('BACKUP_DIR') as string,
    });
  });
});
