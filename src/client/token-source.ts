// Owns asking the application for a token, and that the asking ends; knows no socket.
import { EarshotError } from './errors.ts';
import type { Platform, TimerHandle } from './platform.ts';

/** A function is asked anew for each connection, and when the token is about to expire. */
export type TokenSource = string | (() => string | Promise<string>);

/** As long as a request may take: whoever gives no token in this time is asked again. */
const TOKEN_MS = 15_000;

/** @throws what the source throws, and a retryable EarshotError `timeout` when nothing comes */
export async function askToken(
  source: TokenSource,
  platform: Pick<Platform, 'setTimeout' | 'clearTimeout'>,
): Promise<string> {
  if (typeof source === 'string') return source;
  let timer: TimerHandle;
  const late = new Promise<never>((_, reject) => {
    timer = platform.setTimeout(() => {
      reject(new EarshotError('timeout', `no token came within ${TOKEN_MS} ms`));
    }, TOKEN_MS);
  });
  try {
    return await Promise.race([source(), late]);
  } finally {
    platform.clearTimeout(timer);
  }
}
