// What REST takes and gives of people: friends, requests, blocks, profiles, devices, audiences.
import { z } from '@hono/zod-openapi';
import { AUDIENCES, COLOURS, MAX_CHOSEN, MAX_PICTURE_LENGTH } from '../domain/people.ts';
import {
  MAX_NAME_CODE_POINTS,
  NameSchema,
  UserIdSchema,
} from '../../protocol/schemas/primitives.ts';
import { TokenBody, UserBody } from './schemas.ts';

const hubMs = z.number().openapi({ description: 'hub time, ms' });
const userId = z.string().max(64).pipe(UserIdSchema);
const shownName = z.string().openapi({ maxLength: MAX_NAME_CODE_POINTS }).pipe(NameSchema);

const person = {
  id: z.uuid(),
  name: z.string(),
  colour: z.string(),
  picture: z.string().optional(),
};
export const PersonBody = z.object(person).openapi('Person');
export const PersonSinceBody = z.object({ ...person, at: hubMs }).openapi('PersonSince');
export const PeopleBody = z.object({ people: z.array(PersonSinceBody) }).openapi('People');

export const OverviewBody = z
  .object({
    friends: z.array(PersonSinceBody),
    incoming: z.array(PersonSinceBody).openapi({ description: 'requests that wait, the newest' }),
    incomingCount: z.int(),
    outgoing: z.array(PersonSinceBody),
    blocked: z.array(PersonSinceBody),
  })
  .openapi('FriendsOverview');

export const CodeBody = z.object({ code: z.string() }).openapi('FriendCode');
export const AskBody = z
  .union([z.strictObject({ userId }), z.strictObject({ code: z.string().max(24) })])
  .openapi('FriendRequest');
export const AskedBody = z
  .object({ status: z.enum(['sent', 'friends']) })
  .openapi('FriendRequested');

export const ProfileBody = z
  .strictObject({
    name: shownName.optional(),
    colour: z.enum(COLOURS).optional(),
    picture: z.string().max(MAX_PICTURE_LENGTH).nullable().optional(),
  })
  .openapi('ProfileChange');

export const AudienceBody = z
  .object({
    audience: z.enum(AUDIENCES),
    chosen: z.array(z.uuid()),
    privateUntil: hubMs.optional(),
  })
  .openapi('Audience');
export const AudienceChangeBody = z
  .strictObject({
    audience: z.enum(AUDIENCES).optional(),
    userIds: z.array(userId).max(MAX_CHOSEN).optional(),
    privateUntil: z.number().nullable().optional(),
  })
  .openapi('AudienceChange');

export const DeviceBody = z
  .object({ id: z.uuid(), label: z.string(), createdAt: hubMs, usedAt: hubMs })
  .openapi('Device');
export const DevicesBody = z.object({ devices: z.array(DeviceBody) }).openapi('Devices');
export const LinkBody = z.object({ code: z.string(), expiresAt: hubMs }).openapi('AccountLink');
export const SecretBody = z
  .strictObject({ deviceSecret: z.string().max(128) })
  .openapi('DeviceSecret');
export const DeviceSecretBody = z.object({ id: z.uuid(), secret: z.string() }).openapi({
  description: 'told this once: the secret brings tokens from then on, until it is revoked',
});
export const DeviceTokenBody = TokenBody.extend({ device: DeviceSecretBody }).openapi(
  'DeviceToken',
);
export const GuestBody = z
  .object({ name: shownName, device: shownName.optional() })
  .openapi('Guest', { example: { name: 'Ana', device: 'My phone' } });
export const GuestTokenBody = TokenBody.extend({ device: DeviceSecretBody.optional() }).openapi(
  'GuestToken',
);
const seen = { colour: z.string().optional(), picture: z.string().optional() };
export const MeBody = UserBody.extend(seen).openapi('Me');
export const MeTokenBody = TokenBody.partial()
  .extend({ user: MeBody })
  .openapi('MeToken', { description: 'with a token for a guest alone' });
export const LabelBody = z.strictObject({ label: shownName.optional() }).openapi('DeviceLabel');
