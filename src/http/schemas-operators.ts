// What REST takes from operators and tells them.
import { z } from '@hono/zod-openapi';
import { UserIdSchema } from '../../protocol/schemas/primitives.ts';

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
