// What must not be left to a default where strangers come (NODE_ENV=production): one line for each, with what mends it.
import { MIN_SECRET_LENGTH } from './identity-config.ts';

const MAKE_ONE = 'make one with: openssl rand -base64 48';
/** A random one of 32 hexadecimal digits has fewer once in millions of times. */
const LEAST_DIFFERENT = 8;
/** What stands in examples, and what somebody types who means to replace it. */
const PLACEHOLDER =
  /change.?(?:me|this|it)|replace.?(?:me|this|it|with)|place.?holder|example|default|your.?(?:own.?)?(?:token|jwt|secret|key)|(?:token|jwt|super|top|my|a|the|test|dev|some)[-_. ]?secret|secret[-_. ]?(?:key|here|token)|pass.?word|long.?enough|(?:thirty.?two|32).?(?:bytes|char)|(?<![a-z\d])\d{2,4}[-_. ]bits?(?![a-z\d])|insecure/i;

type Given = Readonly<Record<string, string | undefined>>;

/** Of the environment as it was given, so that these are named beside keys that cannot even be read. */
export function productionFaults(given: Given): string[] {
  const faults: string[] = [];
  const { TOKEN_SECRET: own, JWT_SECRET: shared } = given;
  if (own === undefined)
    faults.push(`TOKEN_SECRET: must be set in production (NODE_ENV); ${MAKE_ONE}`);
  for (const [key, secret] of Object.entries({ TOKEN_SECRET: own, JWT_SECRET: shared })) {
    if (secret === undefined) continue;
    if (secret.length < MIN_SECRET_LENGTH)
      faults.push(`${key}: needs at least ${MIN_SECRET_LENGTH} characters; ${MAKE_ONE}`);
    else if (isGuessable(secret))
      faults.push(`${key}: is a default, an example or easily guessed; ${MAKE_ONE}`);
  }
  if (given['ALLOWED_ORIGINS'] === undefined && given['PUBLIC_URL'] === undefined)
    faults.push(
      'ALLOWED_ORIGINS: must be set in production (NODE_ENV) to the origins of your pages, such as https://example.org, or PUBLIC_URL to where people reach this service',
    );
  return faults;
}

function isGuessable(secret: string): boolean {
  return (
    PLACEHOLDER.test(secret) ||
    new Set(secret).size < LEAST_DIFFERENT ||
    // The same word again and again.
    /^(.+?)\1+$/s.test(secret)
  );
}
