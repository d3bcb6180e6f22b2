/**
 * The stage of a bench: a private lab and the real controller as a process of its own inside of
 * it, as a user would run it. Moments are epoch milliseconds of one clock, that of this machine,
 * which the controller's log has too. It knows nothing of what is measured.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { innerPid } from '../lab/enter.ts';
import type { Lab } from '../lab/lab.ts';
import { startLab } from '../lab/start.ts';
import type { ClusterStatus } from '../src/crd/status.ts';

const benchctl = fileURLToPath(new URL('../bin/benchctl', import.meta.url));
const pauseMs = 20;

export interface Stage extends AsyncDisposable {
  lab: Lab;
  /** Folder for what a bench needs besides; goes with the stage. */
  root: string;
  write(file: string, text: string): Promise<void>;
  remove(file: string): Promise<void>;
  startController(): void;
  controllerPid(): number;
  virsh(...args: string[]): Promise<string>;
  status(cluster: string): Promise<ClusterStatus | undefined>;
  /** Fails with the status and the end of the log when it takes longer. */
  until(
    cluster: string,
    fits: (status: ClusterStatus | undefined) => boolean,
    timeoutMs?: number,
  ): Promise<void>;
  /** The lines that the controller's log has got since the last call. */
  newLog(): Promise<LogLine[]>;
}

export interface LogLine {
  time: string;
  msg: string;
  action?: string;
  elapsedMs?: number;
}

export function now(): number {
  return performance.timeOrigin + performance.now();
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export async function createStage(options: { kernel?: string } = {}): Promise<Stage> {
  const lab = await startLab(options);
  const root = await mkdtemp(join(tmpdir(), 'benchcluster-bench-'));
  const dir = join(root, 'clusters');
  const state = join(root, 'state');
  const logFile = join(root, 'controller.log');
  await mkdir(dir);
  await mkdir(state);
  let controller: ChildProcess | undefined;
  let logSeen = 0;
  const status = async (cluster: string) => {
    const file = join(state, 'clusters', 'default', cluster, 'status.json');
    const text = await readFile(file, 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as ClusterStatus);
  };
  return {
    lab,
    root,
    // With the mark of a whole file, as `benchctl apply` writes it: it need not settle first.
    write: (file, text) => writeFile(join(dir, file), `${text.replace(/\n?$/, '\n')}...\n`),
    remove: (file) => rm(join(dir, file)),
    startController() {
      const log = openSync(logFile, 'a');
      const argv = [benchctl, '--dir', dir, '--state', state, 'run', '--log-level', 'info'];
      controller = lab.spawn(argv, { stdio: ['ignore', log, log] });
    },
    controllerPid() {
      const pid = controller?.pid === undefined ? undefined : innerPid(controller.pid);
      if (pid === undefined) throw new Error('the controller does not run');
      return pid;
    },
    async virsh(...args) {
      const argv = ['virsh', '-q', '-c', 'qemu:///system', ...args];
      return (await lab.exec(argv, { timeoutMs: 120_000 })).stdout;
    },
    status,
    async until(cluster, fits, timeoutMs = 300_000) {
      const deadline = now() + timeoutMs;
      for (;;) {
        const present = await status(cluster);
        if (fits(present)) return;
        if (now() > deadline) {
          const tail = (await readFile(logFile, 'utf8')).split('\n').slice(-30).join('\n');
          throw new Error(`${cluster}: ${JSON.stringify(present, undefined, 1)}\n${tail}`);
        }
        await sleep(pauseMs);
      }
    },
    async newLog() {
      const file = await open(logFile);
      try {
        const { size } = await file.stat();
        const { buffer } = await file.read(Buffer.alloc(size - logSeen), 0, undefined, logSeen);
        const whole = buffer.subarray(0, buffer.lastIndexOf(10) + 1);
        logSeen += whole.length;
        return whole.toString().split('\n').filter(Boolean).flatMap(parseLine);
      } finally {
        await file.close();
      }
    },
    async [Symbol.asyncDispose]() {
      await end(controller);
      await lab.stop();
      if (process.env.KEEP_BENCH === undefined) await rm(root, { recursive: true, force: true });
    },
  };
}

function parseLine(line: string): LogLine[] {
  return line.startsWith('{') ? [JSON.parse(line) as LogLine] : [];
}

async function end(controller: ChildProcess | undefined): Promise<void> {
  if (controller === undefined || controller.exitCode !== null) return;
  const ended = new Promise((resolve) => controller.once('exit', resolve));
  controller.kill('SIGTERM');
  await ended;
}

/** CPU seconds that a process has used so far. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // Fields are counted after the name, which may hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(execFileSync('getconf', ['CLK_TCK']));
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}
