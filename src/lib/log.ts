/**
 * Logs for developers: constant messages, variable fields, one JSON object per line on stderr.
 * Users read conditions and events instead. Secrets are redacted by path as a second line of
 * defence; the first is that no code passes them here.
 */
import { pino } from 'pino';

export type Log = Pick<pino.Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error'> & {
  child(fields: Record<string, unknown>): Log;
};

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

const secretPaths = ['secret', 'privateKey', 'password', 'token', 'script', 'files'].flatMap(
  (name) => [name, `*.${name}`],
);

export function createLog(
  level: (typeof logLevels)[number],
  destination: number | string = 2,
): Log {
  return pino(
    { level, base: null, redact: secretPaths, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: destination, sync: true }),
  );
}
