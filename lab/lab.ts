/**
 * The handle of a running lab: programs inside, faults of its daemon, its end.
 * A handle is made of a plain record, so that another process can attach to a lab by its folder.
 * It knows nothing of how namespaces are made.
 */

import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecOptions, ExecResult } from './enter.ts';
import { execInside, spawnInside } from './enter.ts';
import { LabError } from './lab-error.ts';

export type Lab = AsyncDisposable & {
  /** First process of the lab's namespaces, as seen from here. */
  readonly pid: number;
  readonly dir: string;
  /** libvirt's socket, connectable from outside of the namespaces too. */
  readonly socket: string;
  readonly kvm: boolean;
  /** Why KVM is not used. */
  readonly kvmReason: string | undefined;
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Ends libvirtd by TERM, or by KILL; guests go on. */
  killDaemon(options?: { kill?: boolean }): Promise<void>;
  startDaemon(): Promise<void>;
  restartDaemon(options?: { kill?: boolean }): Promise<void>;
  isAlive(): boolean;
  /** Ends everything and returns when the last process is gone. Safe to call again. */
  stop(): Promise<void>;
};

/** What a lab is, for those that attach to it later; kept as lab.json in its folder. */
export type LabRecord = {
  pid: number;
  /** When that process began, in clock ticks since boot: a pid alone may mean another process. */
  ticks: string;
  dir: string;
  /** Folder of the other system that the lab runs; its files are those seen inside. */
  root?: string;
  kvm: boolean;
  kvmReason?: string;
};

const DAEMON_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

/** Start time of a process by /proc, undefined when it is gone. */
export function processTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields are counted after the name, which may hold blanks and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** The lab that was started on a folder by any process. */
export function attachLab(dir: string): Lab {
  try {
    return labOf(JSON.parse(readFileSync(join(dir, 'lab.json'), 'utf8')));
  } catch (error) {
    throw new LabError('NOT_RUNNING', `No lab was started on ${dir}`, { dir }, error);
  }
}

export function labOf(record: LabRecord): Lab {
  const { pid, dir } = record;
  const socket = join(dir, 'run', 'libvirt-sock');
  const isAlive = (): boolean => processTicks(pid) === record.ticks;
  // The caller's own folder need not exist in another system.
  const place = record.root === undefined ? {} : { cwd: '/' };
  const exec: Lab['exec'] = (argv, options) => {
    if (isAlive()) return execInside(pid, argv, { ...place, ...options });
    return Promise.reject(new LabError('NOT_RUNNING', 'The lab has ended', { pid, dir }));
  };
  const killDaemon: Lab['killDaemon'] = async (options = {}) => {
    const signal = options.kill === true ? 'KILL' : 'TERM';
    const script = `pid=$(cat /run/libvirtd.pid) && kill -${signal} $pid &&
      for i in $(seq 300); do [ -d /proc/$pid ] || exit 0; sleep 0.05; done; exit 1`;
    await exec(['sh', '-c', script]);
  };
  const startDaemon: Lab['startDaemon'] = async () => {
    await exec(['libvirtd', '-d']);
    await socketAnswers(socket, DAEMON_TIMEOUT_MS);
  };
  const stop = (): Promise<void> => stopInit(pid, isAlive);
  return {
    pid,
    dir,
    socket,
    kvm: record.kvm,
    kvmReason: record.kvmReason,
    exec,
    spawn: (argv, options) => spawnInside(pid, argv, { ...place, ...options }),
    killDaemon,
    startDaemon,
    restartDaemon: async (options) => {
      await killDaemon(options);
      await startDaemon();
    },
    isAlive,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function stopInit(pid: number, isAlive: () => boolean): Promise<void> {
  const until = Date.now() + STOP_TIMEOUT_MS;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!isAlive()) return;
    process.kill(pid, signal);
    while (isAlive() && Date.now() < until - (signal === 'SIGTERM' ? STOP_TIMEOUT_MS / 2 : 0)) {
      await sleep(20);
    }
  }
  if (isAlive()) throw new LabError('STOP_FAILED', `Process ${pid} does not end`, { pid });
}

export async function socketAnswers(path: string, timeoutMs: number): Promise<void> {
  const until = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < until) {
    try {
      return await connectOnce(path);
    } catch (error) {
      last = error;
      await sleep(50);
    }
  }
  throw new LabError('START_FAILED', `libvirtd does not answer on ${path}`, { path }, last);
}

function connectOnce(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}
