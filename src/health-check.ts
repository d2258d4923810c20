// What the image runs for its HEALTHCHECK: asks the process beside it, where and how that one is told to listen.
// It is started every few seconds, so it loads no configuration: three keys it reads by itself.
import http from 'node:http';
import https from 'node:https';

/** Below the time that the image gives it. */
const PATIENCE_MS = 4_000;
/** Where somebody who listens on all addresses is reached from here. */
const LOOPBACKS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

const [, , target = '/healthz'] = process.argv;

/** An empty value, or one of blanks alone, counts as none, as it does in the configuration. */
function given(key: string): string | undefined {
  const value = process.env[key];
  return value?.trim() === '' ? undefined : value;
}

function end(code: 0 | 1, why: string): void {
  process.stdout.write(`${target}: ${why}\n`);
  process.exit(code);
}

const host = given('HOST') ?? '0.0.0.0';
const where = {
  host: LOOPBACKS[host] ?? host,
  port: given('PORT') ?? '8080',
  path: target,
  timeout: PATIENCE_MS,
};
const judge = ({ statusCode }: http.IncomingMessage): void =>
  end(statusCode === 200 ? 0 : 1, String(statusCode));
const asked =
  given('TLS_CERT_FILE') === undefined
    ? http.get(where, judge)
    : // The certificate is for the name by which people come, and nobody else answers here.
      https.get({ ...where, rejectUnauthorized: false }, judge);
asked.on('timeout', () => end(1, 'no answer in time'));
asked.on('error', ({ message }) => end(1, message));
