// What opens a door, taken out of a line that is about to be logged: whoever reads logs must not get in by them.

const SECRETS: readonly (readonly [RegExp, string])[] = [
  // A JSON Web Token, whole or cut: it begins with an encoded `{"`.
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}/g, '[token]'],
  [/\b(Bearer|Basic) +[^\s"',\\]+/gi, '$1 [token]'],
  // The password in an address: of a store, a collector, a proxy. One that has an @ in it goes to the last of them.
  [/(\b[a-z][a-z\d+.-]{0,20}:\/\/[^\s/"':@]*):[^\s/"']*@/gi, '$1:[secret]@'],
  // In a query: media signatures, invites, and what others call theirs.
  [
    /([?&](?:signature|invite|token|access_token|code|key|secret|password)=)[^&\s"'#\\]+/gi,
    '$1[secret]',
  ],
  // The ways in that stand in a path.
  [/(\/(?:links?|people|add)\/)[\w-]{4,}/g, '$1[secret]'],
];

/** The same line without tokens, passwords, signatures and invites. */
export function scrubbed(line: string): string {
  return SECRETS.reduce((text, [secret, instead]) => text.replace(secret, instead), line);
}
