// Structured logs by pino: JSON lines on standard output. What opens a door is left out, by the names of fields and by how it looks.
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Log } from '../../ports/log.ts';
import { scrubbed } from './scrubbed.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const SECRET_FIELDS = [
  'token',
  'authorization',
  'secret',
  'password',
  'invite',
  'signature',
  'key',
];

/** @param to where lines go instead of standard output */
export function createPinoLog(level: LogLevel, to?: DestinationStream): Log {
  return wrap(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        redact: {
          paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
          remove: true,
        },
        formatters: { level: (label) => ({ level: label }) },
        hooks: { streamWrite: scrubbed },
      },
      to ?? pino.destination(1),
    ),
  );
}

function wrap(logger: Logger): Log {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}
