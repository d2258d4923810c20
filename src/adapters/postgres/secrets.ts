// What tokens and links are made of, and all that is kept of them.
import { createHash, randomBytes } from 'node:crypto';

export const newDeviceSecret = (): string => `esd_${randomBytes(32).toString('base64url')}`;
export const newLinkCode = (): string => randomBytes(16).toString('base64url');

/** Without salt: what is hashed has more chance in it than anybody can try. */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
