// Owns the page's addresses: `/` and `/r/CODE?invite=…`; must not know what is shown there.
import type { RoomTarget } from './page-sdk.ts';

/** The room that an address leads to, if any. */
export function targetOf(url: URL): RoomTarget | undefined {
  const match = /^\/r\/([^/]+)\/?$/.exec(url.pathname);
  if (match?.[1] === undefined) return undefined;
  const invite = url.searchParams.get('invite');
  const code = normalCode(decoded(match[1]));
  if (code === '') return undefined;
  return invite === null || invite === '' ? { code } : { code, invite };
}

/** What was cut off in an escape leads nowhere: links are passed on by hand. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return '';
    throw error;
  }
}

export function pathOf(target: RoomTarget): string {
  const query = target.invite === undefined ? '' : `?invite=${encodeURIComponent(target.invite)}`;
  return `/r/${encodeURIComponent(target.code)}${query}`;
}

/** What a person typed or pasted, a code or a whole link, as a target. */
export function parseTyped(typed: string): RoomTarget | undefined {
  const text = typed.trim();
  if (/^https?:\/\//i.test(text)) {
    try {
      return targetOf(new URL(text));
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  }
  const code = normalCode(text);
  return code === '' ? undefined : { code };
}

/** `abcd-2345` as people type it → `ABCD2345`. */
export function normalCode(typed: string): string {
  return typed.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
}

/** A code in two halves: easier to read aloud. */
export function readableCode(code: string): string {
  return code.length === 8 ? `${code.slice(0, 4)} ${code.slice(4)}` : code;
}
