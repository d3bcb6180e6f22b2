/**
 * How soon the controller acts: a saved edit to the first libvirt write, and a killed machine to
 * its start. Guests have no system, so that nothing is measured but the controller, libvirt and
 * QEMU. The write is seen by what libvirtd leaves on the disk, the start also by libvirt's event to
 * a connection of ours. Nothing is subtracted: libvirtd's part of the way is in every figure.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Connection, connect } from '../src/libvirt/connection.ts';
import { dialUnix } from '../src/libvirt/dial.ts';
import { quantile, type Row } from './figures.ts';
import { createStage, now, type Stage, sleep } from './stage.ts';

const goalMs = 100;
const name = 'react';
/** Workers that one cluster gets, one edit after another, before it is emptied again. */
const mostWorkers = 20;
const stepTimeoutMs = 30_000;

interface Witness {
  /** The moment when that was first seen since the call. */
  next(pattern: RegExp): Promise<number>;
}

/** `begin` is called before the deed, so that no sight of it is missed. */
class Sights implements Witness {
  readonly #waiting = new Map<RegExp, (moment: number) => void>();

  see(text: string): void {
    const moment = now();
    for (const [pattern, resolve] of this.#waiting) {
      if (!pattern.test(text)) continue;
      this.#waiting.delete(pattern);
      resolve(moment);
    }
  }

  next(pattern: RegExp): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(pattern);
        reject(new Error(`nothing like ${pattern} was seen in ${stepTimeoutMs} ms`));
      }, stepTimeoutMs);
      this.#waiting.set(pattern, (moment) => {
        clearTimeout(timer);
        resolve(moment);
      });
    });
  }
}

async function imageText(root: string): Promise<string> {
  const folder = join(root, 'image');
  await mkdir(folder);
  const disk = join(folder, 'empty.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '1M']);
  const sha256 = createHash('sha256')
    .update(await readFile(disk))
    .digest('hex');
  return `apiVersion: benchcluster.io/v1alpha1
kind: BenchImage
metadata: {name: empty}
spec:
  source: {path: ${JSON.stringify(disk)}, sha256: ${sha256}}
  provides: [slurm]
`;
}

/** Without a scheduler that answers only Force lets a worker go. */
function manifest(replicas: number): string {
  return `apiVersion: benchcluster.io/v1alpha1
kind: BenchCluster
metadata: {name: ${name}}
spec:
  scheduler: {slurm: {}}
  image: empty
  network: {name: ${name}-net, managed: {cidr: 192.168.150.0/24, forward: none}}
  controlPlane: {memory: 64Mi, disk: 1Gi}
  workers:
  - name: w
    memory: 64Mi
    disk: 1Gi
    replicas: ${replicas}
    drain: {timeout: 0s, onTimeout: Force}
`;
}

async function settled(stage: Stage, nodes: number): Promise<void> {
  await stage.until(name, (status) => {
    const booting = status?.nodes.filter(({ phase }) => phase === 'Booting').length;
    return booting === nodes && status?.nodes.length === nodes;
  });
}

/** So that no beat of the controller's is met always at the same place. */
function jitter(): Promise<void> {
  return sleep(200 + Math.random() * 500);
}

/**
 * Takes the cluster away and writes it again without workers. No scheduler ever answered here, and
 * a worker leaves only when Slurm has forgotten it or there is no head to ask any more.
 */
async function startAnew(stage: Stage): Promise<void> {
  await stage.remove(`${name}.yaml`);
  await stage.until(name, (status) =>
    (status?.nodes ?? []).every(({ phase }) => ['Draining', 'Deleting'].includes(phase)),
  );
  await stage.virsh('destroy', `${name}-head-0`);
  await stage.until(name, (status) => status === undefined);
  await stage.write(`${name}.yaml`, manifest(0));
  await settled(stage, 1);
}

/** Milliseconds from before the save until the new worker's disk appears in the pool. */
async function edits(stage: Stage, files: Witness, rounds: number): Promise<number[]> {
  const taken: number[] = [];
  while (taken.length < rounds) {
    for (let replicas = 1; replicas <= mostWorkers && taken.length < rounds; replicas += 1) {
      await jitter();
      const written = files.next(new RegExp(`^${name}-w-${replicas - 1}-`));
      const saved = now();
      await stage.write(`${name}.yaml`, manifest(replicas));
      taken.push((await written) - saved);
      await settled(stage, replicas + 1);
    }
    await startAnew(stage);
  }
  return taken;
}

/** Milliseconds from the signal until each. */
interface Kill {
  /** libvirtd tells that it has stopped; libvirtd may wait 200 ms for the dead process. */
  told: number;
  /** libvirtd prepares the next run. */
  begun: number;
  running: number;
}

async function kills(
  stage: Stage,
  files: Witness,
  events: Witness,
  rounds: number,
): Promise<Kill[]> {
  const taken: Kill[] = [];
  while (taken.length < rounds) {
    const workers = Math.min(mostWorkers, rounds - taken.length);
    await stage.write(`${name}.yaml`, manifest(workers));
    await settled(stage, workers + 1);
    // Each once: one that goes off again and again is switched on later and later.
    for (let index = 0; index < workers; index += 1) {
      taken.push(await kill(stage, files, events, `${name}-w-${index}`));
      await settled(stage, workers + 1);
    }
    await startAnew(stage);
  }
  return taken;
}

async function kill(stage: Stage, files: Witness, events: Witness, victim: string): Promise<Kill> {
  await jitter();
  const pid = qemuOf(stage, victim);
  const begun = files.next(new RegExp(`^domain-\\d+-${victim}`));
  const told = events.next(new RegExp(`^stopped ${victim}$`));
  const started = events.next(new RegExp(`^started ${victim}$`));
  const killed = now();
  process.kill(pid, 'SIGKILL');
  const moments = await Promise.all([told, begun, started]);
  const [toTold = 0, toBegun = 0, toRunning = 0] = moments.map((moment) => moment - killed);
  return { told: toTold, begun: toBegun, running: toRunning };
}

/** The process of that guest in this lab, as seen from here. */
function qemuOf({ lab }: Stage, domain: string): number {
  const namespace = (pid: string | number) =>
    execFileSync('readlink', [`/proc/${pid}/ns/pid`]).toString();
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  for (const pid of pids) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (!line.includes(`\0guest=${domain},`)) continue;
      if (namespace(pid) === namespace(lab.pid)) return Number(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error(`no process of ${domain}`);
}

function rowOf(taken: number[], what: string, goal?: number): Row {
  const text = (part: number) => `${quantile(taken, part).toFixed(0)} ms`;
  const p99 = quantile(taken, 0.99);
  return {
    ...{ bench: 'reaction', what, count: taken.length },
    ...{ best: text(0), median: text(0.5), p99: text(0.99) },
    ...(goal !== undefined && { goal: `p99 <= ${goal} ms`, met: p99 <= goal }),
  };
}

function watchFolder(folder: string, sights: Sights): FSWatcher {
  // What is removed is told by the same event.
  return watch(folder, (_, file) => {
    if (file !== null && existsSync(join(folder, file))) sights.see(file);
  });
}

export async function reaction(rounds: number): Promise<Row[]> {
  await using stage = await createStage();
  await stage.write('image.yaml', await imageText(stage.root));
  const [files, events] = [new Sights(), new Sights()];
  using connection: Connection = await connect({
    dial: dialUnix(stage.lab.socket),
    name: 'qemu:///system',
    onEvent: (event) => {
      if (event.kind === 'domain-lifecycle') events.see(`${event.change} ${event.domain.name}`);
    },
  });
  await connection.subscribe(['domain-lifecycle']);
  stage.startController();
  await stage.write(`${name}.yaml`, manifest(0));
  await settled(stage, 1);
  const folders = [join(stage.lab.dir, 'lib', 'images'), join(stage.lab.dir, 'lib', 'qemu')];
  const watchers = folders.map((folder) => watchFolder(folder, files));
  try {
    const edited = await edits(stage, files, rounds);
    const killed = await kills(stage, files, events, rounds);
    return [
      rowOf(edited, 'saved edit to the first file in the pool', goalMs),
      rowOf(
        killed.map(({ begun }) => begun),
        'killed machine to libvirtd starting it',
        goalMs,
      ),
      rowOf(
        killed.map(({ told }) => told),
        '  of it until libvirt tells that it stopped',
      ),
      rowOf(
        killed.map(({ begun, told }) => begun - told),
        '  of it from that event to the start',
        goalMs,
      ),
      rowOf(
        killed.map(({ running }) => running),
        'killed machine to running again, with QEMU',
      ),
    ];
  } finally {
    for (const watcher of watchers) watcher.close();
  }
}
