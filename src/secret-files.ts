// Takes the values of secret keys from the files that are named instead of them; knows which keys are secret, not what they mean.
import { readFileSync } from 'node:fs';

/** Each may be given as `<key>_FILE`, the path of a file that holds it. */
export const SECRET_KEYS = [
  'REDIS_URL',
  'REDIS_SENTINELS',
  'REDIS_PASSWORD',
  'POSTGRES_URL',
  'MONGODB_URL',
  'TOKEN_SECRET',
  'JWT_SECRET',
  'OTEL_EXPORTER_OTLP_HEADERS',
] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment with what the files hold, without the white space around it, which editors and `echo` leave.
 * @returns also one line for each file that cannot be used; its key is then left out
 */
export function withSecretFiles(environment: Environment): {
  readonly environment: Environment;
  readonly faults: readonly string[];
} {
  const whole: Record<string, string | undefined> = { ...environment };
  const faults: string[] = [];
  for (const key of SECRET_KEYS) {
    const file = environment[`${key}_FILE`];
    if (file === undefined) continue;
    if (environment[key] !== undefined) {
      faults.push(`${key}_FILE: ${key} is set as well; leave one of them out`);
      continue;
    }
    const value = contentOf(file);
    if (value instanceof Error)
      faults.push(`${key}_FILE: ${file} cannot be read (${value.message})`);
    // Never none: a secret that was not put there yet must not become one that is made here.
    else if (value === '') faults.push(`${key}_FILE: ${file} is empty`);
    else whole[key] = value;
  }
  return { environment: whole, faults };
}

function contentOf(file: string): string | Error {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return new Error(code);
  }
}
