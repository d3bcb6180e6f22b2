/**
 * Running programs inside the namespaces of a lab.
 * A program entered this way dies with the process that started it and with the lab, and a signal sent
 * through the returned handle reaches the program itself, so that "kill -9" in a test means just that.
 */

import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { LabError } from './lab-error.ts';
import { labPath } from './privileges.ts';

export type ExecOptions = {
  input?: string | Buffer;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Bytes of each of stdout and stderr that are kept; more is an error. */
  maxBytes?: number;
  /** false: a non-zero status is a result and no error. */
  check?: boolean;
};

export type ExecResult = { status: number; stdout: string; stderr: string };

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

/** The command line that runs `argv` inside; `pid` is the lab's first process as seen from here. */
export function enterCommand(pid: number, argv: readonly string[], cwd: string): string[] {
  // Entering a mount namespace moves to its root, hence the cd. The signal at the parent's death
  // makes the program follow nsenter, which is the only process that the caller can see.
  const script = 'cd "$0" && exec setpriv --pdeathsig KILL -- "$@"';
  return ['nsenter', '-t', `${pid}`, '-n', '-m', '-p', '--', 'sh', '-c', script, cwd, ...argv];
}

export function spawnInside(
  pid: number,
  argv: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const cwd = options.cwd === undefined ? process.cwd() : `${options.cwd}`;
  const [program = 'nsenter', ...args] = enterCommand(pid, argv, cwd);
  const env = { ...(options.env ?? process.env) };
  env.PATH = labPath(env.PATH);
  const child = spawn(program, args, { ...options, cwd: '/', env });
  child.kill = (signal = 'SIGTERM') => signalInner(child, signal);
  return child;
}

function signalInner(child: ChildProcess, signal: NodeJS.Signals | number): boolean {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
  const target = innerPid(child.pid) ?? child.pid;
  try {
    return process.kill(target, signal);
  } catch {
    return false;
  }
}

/** The program under an nsenter process, as seen from here; undefined before it was forked. */
export function innerPid(nsenterPid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${nsenterPid}/task/${nsenterPid}/children`, 'utf8');
    const first = Number.parseInt(children, 10);
    return Number.isNaN(first) ? undefined : first;
  } catch {
    return undefined;
  }
}

export function execInside(
  pid: number,
  argv: readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  const { input, cwd, env, signal, maxBytes = DEFAULT_MAX_BYTES, check = true } = options;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const child = spawnInside(pid, argv, {
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let failure: unknown;
    const end = (error: unknown): void => {
      failure ??= error;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => {
      end(new LabError('COMMAND_TIMED_OUT', `${argv[0]} took too long`, { argv, timeoutMs }));
    }, timeoutMs);
    const onAbort = (): void => end(signal?.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort);
    const tooLarge = (): void => {
      end(new LabError('OUTPUT_TOO_LARGE', `${argv[0]} printed too much`, { argv, maxBytes }));
    };
    const stdout = collect(child.stdout, maxBytes, tooLarge);
    const stderr = collect(child.stderr, maxBytes, tooLarge);
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    child.once('error', end);
    child.once('close', (code, killedBy) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      const result = { status: code ?? 128, stdout: stdout(), stderr: stderr() };
      if (failure !== undefined) reject(failure);
      else if (check && code !== 0) reject(commandFailed(argv, result, killedBy));
      else resolve(result);
    });
  });
}

function commandFailed(
  argv: readonly string[],
  result: ExecResult,
  killedBy: NodeJS.Signals | null,
): LabError {
  const how = killedBy === null ? `status ${result.status}` : killedBy;
  const message = `${argv.join(' ')}: ${how}: ${result.stderr.trim().slice(-2000)}`;
  return new LabError('COMMAND_FAILED', message, { argv, ...result, killedBy });
}

function collect(
  stream: NodeJS.ReadableStream | null,
  maxBytes: number,
  tooLarge: () => void,
): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) tooLarge();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
