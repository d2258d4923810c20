// Owns the page's addresses: `/`, `/r/CODE?invite=…`, `/add/CODE`, `/link/CODE` and `/me`; must not know what is shown there.
import type { CodeTarget } from './page-sdk.ts';

export type Place =
  | { readonly kind: 'landing' | 'me' }
  | { readonly kind: 'room'; readonly target: CodeTarget }
  /** The link of a person who wants friends, and the one that takes an account to another device. */
  | { readonly kind: 'add' | 'link'; readonly code: string };

/** Where an address leads; what leads nowhere leads to the first page. */
export function placeOf(url: URL): Place {
  const target = targetOf(url);
  if (target !== undefined) return { kind: 'room', target };
  if (/^\/me\/?$/.test(url.pathname)) return { kind: 'me' };
  const [, kind, part] = /^\/(add|link)\/([^/]+)\/?$/.exec(url.pathname) ?? [];
  if (part === undefined || (kind !== 'add' && kind !== 'link')) return { kind: 'landing' };
  const code = kind === 'add' ? normalCode(decoded(part)) : decoded(part);
  return code === '' ? { kind: 'landing' } : { kind, code };
}

export function addPath(code: string): string {
  return `/add/${encodeURIComponent(code)}`;
}

export function linkPath(code: string): string {
  return `/link/${encodeURIComponent(code)}`;
}

/** The room that an address leads to, if any. */
export function targetOf(url: URL): CodeTarget | undefined {
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

export function pathOf(target: CodeTarget): string {
  const query = target.invite === undefined ? '' : `?invite=${encodeURIComponent(target.invite)}`;
  return `/r/${encodeURIComponent(target.code)}${query}`;
}

/** What a person typed or pasted, a code or a whole link, as a target. */
export function parseTyped(typed: string): CodeTarget | undefined {
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

/** The code of a person that was typed, or pasted as a whole link. */
export function parsePerson(typed: string): string | undefined {
  const text = typed.trim();
  if (/^https?:\/\//i.test(text)) {
    if (!URL.canParse(text)) return undefined;
    const place = placeOf(new URL(text));
    return place.kind === 'add' ? place.code : undefined;
  }
  const code = normalCode(text);
  return code === '' ? undefined : code;
}

/** `abcd-2345` as people type it → `ABCD2345`. */
export function normalCode(typed: string): string {
  return typed.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
}

/** A code in two halves: easier to read aloud. */
export function readableCode(code: string): string {
  const half = code.length / 2;
  return code.length === 8 || code.length === 10
    ? `${code.slice(0, half)} ${code.slice(half)}`
    : code;
}
