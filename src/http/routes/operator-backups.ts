// An operator asks for a backup of the embedded database.
import { createRoute } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import { BackupFailed } from '../../ports/backups.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import { BackupBody } from '../schemas-operators.ts';
import { OPERATOR_ERRORS, json, operatorRoute, problem, type App } from './route-parts.ts';

export function addBackups(app: App, deps: HttpDeps): void {
  app.openapi(
    createRoute({
      ...operatorRoute(deps),
      method: 'post',
      path: '/v1/operator/backups',
      summary: 'Makes a backup of the embedded database, while it runs',
      description:
        'Into `BACKUP_DIR`, beside those that are made by themselves. Whoever waits for the database waits while it is copied. Where the stores are servers, these have means of their own.',
      responses: {
        201: json(BackupBody, 'it is whole'),
        409: problem('there is no embedded database, or no `BACKUP_DIR`'),
        503: problem('it could not be made; the log says why'),
        ...OPERATOR_ERRORS,
      },
    }),
    async (context) => {
      if (deps.backups === undefined)
        throw new ProblemError(
          refuse('conflict', 'backups are made of an embedded database, where BACKUP_DIR is set'),
        );
      try {
        const { name, takenAt, tookMs, bytes } = await deps.backups.make();
        return context.json({ name, takenAt, tookMs: Math.round(tookMs), bytes }, 201);
      } catch (error) {
        if (!(error instanceof BackupFailed)) throw error;
        throw new ProblemError(refuse('unavailable', 'the backup could not be made', 60_000));
      }
    },
  );
}
