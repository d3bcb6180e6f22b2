/**
 * A private libvirt: virtlogd, libvirtd and its networks in mount, pid and network namespaces of
 * their own. It touches nothing of the machine's libvirt, several run side by side, and the whole
 * lab (daemons, guests, programs entered) ends with the process that started it, however that ends.
 * Guests are reachable only from inside: run the program under test with `spawn`, or use a jump host.
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { labConfigFiles } from './config.ts';
import { probeKvm } from './kvm.ts';
import type { Lab, LabRecord } from './lab.ts';
import { labOf, processTicks, socketAnswers } from './lab.ts';
import { LabError } from './lab-error.ts';
import { labPath, requireLabRights } from './privileges.ts';

export type LabOptions = {
  /** Keeps pool, definitions and logs between runs; default: a new folder, removed at the end. */
  dir?: string;
  /** libvirt's cache of probed QEMU capabilities, shared by labs; default: in the user's cache. */
  cacheDir?: string;
  /** auto: try it (with `kernel`, if given, until it prints) and mask it when it does not work. */
  kvm?: 'auto' | 'off';
  kernel?: string;
  /**
   * Folder of another system (as mmdebstrap makes it) whose libvirt and QEMU are to run; read only.
   * Default: those of this machine. What runs inside sees that system's files.
   */
  root?: string;
  /** true: the lab outlives this process and is ended by `attachLab(dir).stop()`. */
  detached?: boolean;
  startTimeoutMs?: number;
};

const INIT_SCRIPT = fileURLToPath(new URL('./init.sh', import.meta.url));
const START_TIMEOUT_MS = 60_000;

export function userCache(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CACHE_HOME;
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'benchcluster');
}

export async function startLab(options: LabOptions = {}): Promise<Lab> {
  requireLabRights();
  const dir = options.dir === undefined ? await ephemeralDir() : resolve(options.dir);
  const root = options.root === undefined ? undefined : resolve(options.root);
  // What is known of one system's QEMU is not true of another's.
  const cacheName = root === undefined ? 'lab-cache' : `lab-cache-${basename(root)}`;
  const cacheDir = resolve(options.cacheDir ?? join(userCache(), cacheName));
  const verdict =
    options.kvm === 'off'
      ? ({ usable: false, reason: 'switched off' } as const)
      : await probeKvm(options.kernel);
  const conf = join(dir, 'conf');
  await mkdir(conf, { recursive: true });
  for (const [name, text] of Object.entries(labConfigFiles(socketGroup()))) {
    await writeFile(join(conf, name), text);
  }
  const env = {
    ...process.env,
    PATH: labPath(),
    LAB_DIR: dir,
    LAB_CACHE: cacheDir,
    LAB_CONF: conf,
    LAB_KVM: verdict.usable ? '1' : '0',
    LAB_EPHEMERAL: options.dir === undefined ? '1' : '0',
    LAB_LIFELINE: options.detached === true ? '0' : '1',
    LAB_ROOT: root ?? '',
  };
  const pid = await runInit(env, options);
  const record: LabRecord = {
    pid,
    ticks: processTicks(pid) ?? '',
    dir,
    ...(root === undefined ? {} : { root }),
    kvm: verdict.usable,
    ...(verdict.usable ? {} : { kvmReason: verdict.reason }),
  };
  const lab = labOf(record);
  try {
    await socketAnswers(lab.socket, options.startTimeoutMs ?? START_TIMEOUT_MS);
    await writeFile(join(dir, 'lab.json'), JSON.stringify(record));
  } catch (error) {
    await lab.stop();
    throw error;
  }
  return lab;
}

/** A lab's folder holds the socket, so its path is short: a unix socket's path ends at 107 bytes. */
async function ephemeralDir(): Promise<string> {
  const parent = join(userCache(), 'labs');
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, 'lab-'));
}

function socketGroup(): string | undefined {
  try {
    execFileSync('getent', ['group', 'libvirt'], { stdio: 'ignore' });
    return 'libvirt';
  } catch {
    return undefined;
  }
}

/** Starts the first process and waits for its word; returns its pid. */
function runInit(env: NodeJS.ProcessEnv, options: LabOptions): Promise<number> {
  const detached = options.detached === true;
  const timeoutMs = options.startTimeoutMs ?? START_TIMEOUT_MS;
  // unshare's own death, too, must end the lab: --kill-child.
  const args = ['--net', '--mount', '--pid', '--fork', '--kill-child', 'sh', INIT_SCRIPT];
  const child = spawn('unshare', args, {
    env,
    cwd: '/',
    detached,
    stdio: [detached ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    let out = '';
    let err = '';
    const fail = (why: string, cause?: unknown): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new LabError('START_FAILED', `The lab did not start: ${why}`, { out, err }, cause));
    };
    const timer = setTimeout(() => fail(`no answer in ${timeoutMs} ms. ${err}`), timeoutMs);
    child.once('error', (error) => fail(error.message, error));
    child.once('exit', () => fail(`${/^error (.*)$/m.exec(out)?.[1] ?? ''} ${err}`.trim()));
    child.stderr?.on('data', (chunk: Buffer) => {
      err = (err + chunk.toString()).slice(-4000);
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      out = (out + chunk.toString()).slice(-4000);
      const pid = /^ready (\d+)$/m.exec(out)?.[1];
      if (pid === undefined) return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      // A lab that is forgotten must not keep its parent alive: its lifeline ends it.
      child.unref();
      for (const stream of child.stdio) unref(stream);
      resolve(Number(pid));
    });
  });
}

function unref(stream: unknown): void {
  if (typeof stream !== 'object' || stream === null) return;
  if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
}
