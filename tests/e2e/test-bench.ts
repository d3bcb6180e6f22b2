/**
 * The bench of the end-to-end tests: a private lab, a watched directory, the real controller as a
 * process of its own inside the lab, and the questions that tests ask of it. Everything is asked
 * of the real programs (virsh, benchctl, Slurm in the guests), nothing of our own code.
 */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { closeSync, openSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab } from '../../lab/lab.ts';
import { startLab } from '../../lab/start.ts';
import type { ClusterStatus } from '../../src/crd/status.ts';
import { buildImage } from '../../src/image/build.ts';
import { readRecipe } from '../../src/image/recipe.ts';
import { imageManifest } from '../../src/wiring/images.ts';
import { createRemotePlace, localPlace } from './place.ts';

const benchctl = fileURLToPath(new URL('../../bin/benchctl', import.meta.url));

export interface Bench extends AsyncDisposable {
  /** Watched directory. */
  dir: string;
  /** State directory. */
  state: string;
  lab: Lab;
  write(file: string, text: string): Promise<void>;
  read(file: string): Promise<string>;
  remove(file: string): Promise<void>;
  /** `env` in place of our own environment. */
  startController(env?: NodeJS.ProcessEnv): void;
  /** Resolves when the controller has ended; to the signal that ended it. */
  controllerEnd(): Promise<NodeJS.Signals | null>;
  /** Ends the controller by that signal and waits until it is gone. */
  stopController(signal: NodeJS.Signals): Promise<void>;
  /** `benchctl …` with the places of this bench; throws with its output unless it ends with 0. */
  benchctl(...args: string[]): Promise<string>;
  virsh(...args: string[]): Promise<string>;
  /** Runs a command in the namespaces of the lab. */
  inside(...argv: string[]): Promise<string>;
  /** Runs a command where the controller runs. */
  direct(...argv: string[]): Promise<string>;
  restartLibvirtd(): Promise<void>;
  status(cluster: string): Promise<ClusterStatus | undefined>;
  /** Waits until the status fulfils the predicate; fails with the status and the log's end. */
  until(
    cluster: string,
    what: string,
    predicate: (status: ClusterStatus | undefined) => boolean,
    timeoutMs?: number,
  ): Promise<ClusterStatus | undefined>;
  log(): Promise<string>;
  /** Waits until the log, since the last call of this, has a line like that. */
  untilLog(pattern: RegExp, timeoutMs?: number): Promise<void>;
  /** A file of the state directory. */
  readState(file: string): Promise<string>;
}

export interface BenchOptions {
  /** The controller reaches the hypervisor only by SSH, as a user with the group libvirt alone. */
  remote?: boolean;
}

export async function createBench(options: BenchOptions = {}): Promise<Bench> {
  const lab = await startLab();
  const root = await mkdtemp(join(tmpdir(), 'benchcluster-e2e-'));
  const dir = join(root, 'clusters');
  const state = join(root, 'state');
  const logFile = join(root, 'controller.log');
  await mkdir(dir);
  await mkdir(state);
  const places = ['--dir', dir, '--state', state];
  const place = options.remote ? await createRemotePlace(lab, root) : localPlace(lab);
  if (place.hostManifest) await writeFile(join(dir, 'host.yaml'), place.hostManifest);
  let controller: ChildProcess | undefined;
  let logSeen = 0;
  const inside = async (...argv: string[]) => {
    const result = await lab.exec(argv, { timeoutMs: 120_000, check: false });
    if (result.status === 0) return result.stdout;
    throw new Error(
      `${argv.join(' ')} ended with ${result.status}: ${result.stderr}${result.stdout}`,
    );
  };
  const log = () => readFile(logFile, 'utf8').catch(() => '');
  const status = async (cluster: string) => {
    const file = join(state, 'clusters', 'default', cluster, 'status.json');
    const text = await readFile(file, 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as ClusterStatus);
  };
  const bench: Bench = {
    dir,
    state,
    lab,
    write: (file, text) => writeFile(join(dir, file), text),
    read: (file) => readFile(join(dir, file), 'utf8'),
    remove: (file) => rm(join(dir, file)),
    startController(env) {
      const log = openSync(logFile, 'a');
      controller = place.spawn([benchctl, ...places, 'run', '--log-level', 'debug'], {
        stdio: ['ignore', log, log],
        ...(env && { env }),
      });
      closeSync(log);
    },
    async controllerEnd() {
      const ending = controller;
      if (ending === undefined) throw new Error('no controller was started');
      if (ending.exitCode === null && ending.signalCode === null) {
        await new Promise((resolve) => ending.once('exit', resolve));
      }
      return ending.signalCode;
    },
    async stopController(signal) {
      if (controller === undefined || controller.exitCode !== null) return;
      if (controller.signalCode === null) controller.kill(signal);
      await bench.controllerEnd();
    },
    benchctl: (...args) => outputOf(place.spawn([benchctl, ...places, ...args], piped)),
    virsh: (...args) => inside('virsh', '-c', 'qemu:///system', ...args),
    inside,
    direct: (...argv) => outputOf(place.spawn(argv, piped)),
    restartLibvirtd: () => lab.restartDaemon({ kill: true }),
    status,
    async until(cluster, what, predicate, timeoutMs = 400_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const now = await status(cluster);
        if (predicate(now)) return now;
        const left = deadline - Date.now();
        if (left <= 0) {
          const tail = (await log()).split('\n').slice(-40).join('\n');
          throw new Error(
            `${cluster}: waited ${timeoutMs / 1000} s for: ${what}\n` +
              `${JSON.stringify(now, undefined, 1)}\n${tail}`,
          );
        }
        await changeOf(state, Math.min(left, 1_000));
      }
    },
    log,
    readState: (file) => readFile(join(state, file), 'utf8'),
    async untilLog(pattern, timeoutMs = 240_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const text = (await log()).slice(logSeen);
        const match = pattern.exec(text);
        if (match) {
          logSeen += match.index + match[0].length;
          return;
        }
        if (Date.now() > deadline)
          throw new Error(`the log never said ${pattern}: ${text.slice(-3000)}`);
        await changeOf(root, 500);
      }
    },
    async [Symbol.asyncDispose]() {
      await bench.stopController('SIGTERM');
      await place.close();
      await lab.stop();
      if (process.env['KEEP_BENCH'] === undefined) await rm(root, { recursive: true, force: true });
    },
  };
  return bench;
}

const piped: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'] };

/** The output of a program; throws with all of it unless it ends with 0 within two minutes. */
async function outputOf(child: ChildProcess): Promise<string> {
  const timer = setTimeout(() => child.kill('SIGKILL'), 120_000);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  if (code === 0) return stdout;
  throw new Error(`${child.spawnargs.slice(-6).join(' ')} ended with ${code}: ${stderr}${stdout}`);
}

/** Resolves at the next change below the directory, or after so many milliseconds. */
function changeOf(directory: string, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(directory, { recursive: true }, end);
    const timer = setTimeout(end, milliseconds);
    function end() {
      clearTimeout(timer);
      watcher.close();
      resolve();
    }
  });
}

/** Asks again until the answer fits; for questions to real programs that send no events. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T>,
  fits: (answer: T) => boolean,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}: ${String(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

export function isReady(workers: number): (status: ClusterStatus | undefined) => boolean {
  return (status) =>
    status?.conditions.find(({ type }) => type === 'Ready')?.status === 'True' &&
    status.nodes.length === workers + 1;
}

/** The manifest of the tests' cluster; every field that a test edits is a parameter. */
export function clusterManifest(options: {
  name: string;
  workers: number;
  memory?: string;
  network?: string;
}): string {
  const { name, workers, memory = '640Mi', network = 'bench-e2e' } = options;
  return `apiVersion: benchcluster.io/v1alpha1
kind: BenchCluster
metadata:
  name: ${name}
spec:
  scheduler:
    slurm: {}
  image: debian-slurm
  network:
    name: ${network}
    managed:
      cidr: 192.168.150.0/24
      forward: none
  controlPlane:
    memory: 768Mi
    disk: 6Gi
  workers:
  - name: compute
    memory: ${memory}
    disk: 6Gi
    replicas: ${workers}
`;
}

/** Everything that a host has, as text that two moments can be compared by. */
export async function worldOf(bench: Bench): Promise<string> {
  const lists = await Promise.all([
    bench.virsh('list', '--all', '--name'),
    bench.virsh('net-list', '--all', '--name'),
    bench.virsh('vol-list', 'default'),
  ]);
  return lists.join('\n');
}

/** The manifest of the Slurm image, built first where the cache does not have it. */
export async function imageManifestOf(recipe: string): Promise<string> {
  const folder = fileURLToPath(new URL(`../../images/${recipe}`, import.meta.url));
  return imageManifest(await buildImage(await readRecipe(folder)));
}
