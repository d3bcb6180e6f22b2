/**
 * Running the build's and the check's programs: cancellable, with bounded output and exact errors.
 * A cancelled program is killed with its whole process group, so nothing goes on behind our back.
 */

import { spawn } from 'node:child_process';
import { ImageError } from './image-error.ts';

export type CommandOptions = {
  env?: NodeJS.ProcessEnv;
  input?: string;
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
  /** Called with each line of stderr, where the build tools report. */
  onLine?: (line: string) => void;
  /** false: a non-zero status is a result and no error. */
  check?: boolean;
};

export type CommandResult = { status: number; stdout: string; stderr: string };

const KEPT_BYTES = 256 * 1024;
const DEFAULT_TIMEOUT_MS = 600_000;

export function runCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [program = '', ...args] = argv;
  const { input, signal, onLine, check = true } = options;
  const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const stop = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  return new Promise((resolve, reject) => {
    if (stop.aborted) return reject(stop.reason);
    const child = spawn(program, args, {
      env: options.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const kill = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended by itself.
      }
    };
    stop.addEventListener('abort', kill);
    let stdout = '';
    let stderr = '';
    let line = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-KEPT_BYTES);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-KEPT_BYTES);
      const lines = (line + text).split('\n');
      line = (lines.pop() ?? '').slice(-4096);
      for (const whole of lines) onLine?.(whole);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('error', (error: NodeJS.ErrnoException) => {
      stop.removeEventListener('abort', kill);
      const code = error.code === 'ENOENT' ? 'COMMAND_MISSING' : 'COMMAND_FAILED';
      reject(new ImageError(code, `${program}: ${error.message}`, { argv }, error));
    });
    child.once('close', (status, killedBy) => {
      stop.removeEventListener('abort', kill);
      const result = { status: status ?? 128, stdout, stderr };
      if (stop.aborted) reject(stop.reason);
      else if (check && status !== 0) {
        const how = killedBy ?? `status ${status}`;
        const message = `${program}: ${how}: ${stderr.trim().slice(-1500)}`;
        reject(new ImageError('COMMAND_FAILED', message, { argv, ...result }));
      } else resolve(result);
    });
  });
}
