// What REST takes from operators and tells them.
import { z } from '@hono/zod-openapi';
import { UserIdSchema } from '../../protocol/schemas/primitives.ts';
import { RoleSchema, VisibilitySchema } from '../../protocol/schemas/room.ts';

const wallMs = z.number().openapi({ description: 'by the clock on the wall, ms since 1970' });
const reason = z.string().max(200).optional().openapi({ description: 'for operators alone' });

export const RevokeBody = z
  .union([
    z.strictObject({
      tokenId: z.string().min(1).max(256).openapi({ description: 'the `jti` of the token' }),
      expiresAt: wallMs.optional(),
      reason,
    }),
    z.strictObject({
      userId: z.string().max(64).pipe(UserIdSchema),
      ban: z
        .boolean()
        .optional()
        .openapi({ description: 'also tokens that are made later are refused' }),
      expiresAt: wallMs.optional(),
      reason,
    }),
  ])
  .openapi('Revoke');

export const RevocationBody = z
  .object({
    id: z.uuid(),
    kind: z.enum(['token', 'user', 'ban']),
    tokenId: z.string().optional(),
    userId: z.uuid().optional(),
    at: wallMs,
    endsAt: wallMs.optional().openapi({ description: 'as `at`; absent where it never ends' }),
    by: z.uuid().openapi({ description: 'the operator' }),
    reason: z.string().optional(),
  })
  .openapi('Revocation');

export const RevocationListBody = z
  .object({ revocations: z.array(RevocationBody), next: z.string().optional() })
  .openapi('RevocationList');

export const BackupBody = z
  .object({
    name: z.string().openapi({ description: 'of its folder in `BACKUP_DIR`' }),
    takenAt: wallMs,
    tookMs: z.int().openapi({ description: 'in which nothing else was asked of the database' }),
    bytes: z.int(),
  })
  .openapi('Backup');

const missing = z
  .array(z.string())
  .openapi({ description: 'nodes that live and did not answer in time' });

export const NodeBody = z
  .object({
    id: z.string().openapi({ description: 'as `node` in the log; another one with each start' }),
    host: z.string().optional().openapi({
      description:
        'the name of its machine, pod or container; absent where it is of a release that tells none',
    }),
    worker: z.int().optional(),
    release: z.string().optional().openapi({ description: 'which it runs; absent as `host` is' }),
    version: z.string().openapi({ description: 'of the protocol' }),
    startedAt: wallMs,
    connections: z.int(),
    rooms: z.int().openapi({ description: 'held in its memory' }),
    isReady: z.boolean(),
    reasons: z.array(z.string()).openapi({ description: 'why it is not' }),
    away: z.array(z.string()).openapi({ description: 'stores that do not answer it' }),
  })
  .openapi('Node');

export const NodeListBody = z.object({ nodes: z.array(NodeBody), missing }).openapi('NodeList');

export const DrainBody = z
  .strictObject({
    withinMs: z.int().min(0).max(600_000).optional().openapi({
      description:
        'how long people have; default: as when it is stopped, by DRAIN_MS and DRAIN_PER_SECOND of the node',
    }),
  })
  .openapi('Drain');

const room = {
  id: z.uuid(),
  code: z.string(),
  name: z.string(),
  visibility: VisibilitySchema,
  hereCount: z.int().openapi({ description: 'people who are connected to it, on any node' }),
};

export const RoomPeopleBody = z
  .object({
    ...room,
    isClosed: z.boolean(),
    members: z
      .array(
        z.object({
          id: z.uuid(),
          name: z.string(),
          role: RoleSchema,
          isHere: z.boolean().openapi({ description: 'connected to the room, on any node' }),
        }),
      )
      .openapi({ description: 'those who are here first, then by role and name' }),
  })
  .openapi('RoomPeople');

export const BusyRoomListBody = z
  .object({
    rooms: z.array(z.object(room)),
    total: z.int().openapi({ description: 'of which the first are here' }),
    missing,
  })
  .openapi('BusyRoomList');
