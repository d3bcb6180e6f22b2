/**
 * Every program that a test file starts, directly or not, with its arguments and its environment,
 * however short it lives: the file runs once more below strace, which writes down each `execve` as
 * the kernel is told it. Its seccomp filter stops a process at nothing else, so that a start costs
 * about a millisecond and a guest that runs costs nothing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const variable = 'DRILL_EXEC_RECORD';
// Nothing is shortened, and what is not ASCII is written as `\xNN`. strace stops a new thread at every
// call until the first one that it traces, so one is traced that the C library makes at once.
const calls = 'execve,execveat,set_robust_list';
const options = `-f --seccomp-bpf -v -x -s 1000000 -qq -e trace=${calls} -e signal=none`;

/**
 * To be called first in a test file. It returns in the process below strace alone: to a function
 * that reads what was written down so far, a line for each call.
 */
export function recordExecs(): () => Buffer {
  const file = process.env[variable];
  if (file !== undefined) return () => readFileSync(file);
  const folder = mkdtempSync(join(tmpdir(), 'exec-record-'));
  const record = join(folder, 'strace');
  const self = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status, error } = spawnSync('strace', [...options.split(' '), '-o', record, ...self], {
    stdio: 'inherit',
    env: { ...process.env, [variable]: record },
  });
  rmSync(folder, { recursive: true });
  if (error) throw error;
  process.exit(status ?? 1);
}
