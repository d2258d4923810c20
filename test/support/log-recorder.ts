// A log that keeps its lines.
import type { Log, LogFields } from '../../src/ports/log.ts';

export interface Line extends LogFields {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}

export function logRecorder(lines: Line[]): Log {
  const at =
    (level: Line['level']) =>
    (fields: LogFields, message: string): void => {
      lines.push({ ...fields, level, message });
    };
  const log: Log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  };
  return log;
}
