/**
 * `npm run demo -- --simulated`: the same show on a simulated world, at many times real speed. It
 * needs no libvirt, no image and no Debian package, and makes no VM.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { endOf, manifest, say, took } from './demo-cluster.ts';

const run = promisify(execFile);
const benchctl = fileURLToPath(new URL('../bin/benchctl', import.meta.url));
/** Its files need not exist: a simulated host takes any. */
const image = `apiVersion: benchcluster.io/v1alpha1
kind: BenchImage
metadata:
  name: debian-slurm
spec:
  source:
    path: disk.qcow2
    sha256: ${'c0ffee00'.repeat(8)}
  provides: [slurm]
`;

type Ctl = (...args: string[]) => Promise<string>;

export async function simulatedDemo(once: boolean, signal: AbortSignal): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), 'benchcluster-demo-'));
  try {
    await show(place, once, signal);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function show(place: string, once: boolean, signal: AbortSignal): Promise<void> {
  const dir = join(place, 'clusters');
  const state = join(place, 'state');
  await mkdir(dir);
  const places = ['--dir', dir, '--state', state];
  const ctl: Ctl = async (...args) => {
    const { stdout } = await run(benchctl, [...places, ...args], { timeout: 120_000, signal });
    return stdout.trimEnd();
  };
  await writeFile(join(dir, 'image.yaml'), image);
  await writeFile(join(dir, 'slurm.yaml'), manifest);
  say(`$ benchctl run --simulated --dir ${dir}\n`);
  const controller = spawn(benchctl, [...places, 'run', '--simulated', '--log-level', 'error'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = endOf(controller);
  try {
    await Promise.race([
      ctl('wait', '--for=condition=Ready', '--timeout', '2m', 'cluster/demo'),
      ended,
    ]);
    const submit = ['simulate', 'submit', 'demo', '--nodes', '2', '--minutes', '1', '--wait'];
    say(`\n$ benchctl ${submit.join(' ')}\n${await ctl(...submit)}`);
    say(`\n$ benchctl get nodes\n${await ctl('get', 'nodes')}`);
    say(`\nIn simulated seconds, of which 60 pass in a real one:\n${await took(state)}`);
    if (once) await tearDown(dir, ctl);
    else await stay(dir, places, ended, signal);
  } finally {
    controller.kill('SIGTERM');
    await ended.catch(() => {});
  }
}

async function tearDown(dir: string, ctl: Ctl): Promise<void> {
  say('Now the manifest is deleted.\n');
  await rm(join(dir, 'slurm.yaml'));
  await ctl('wait', '--for=delete', '--timeout', '2m', 'cluster/demo');
  say('\nThe cluster is gone, with its simulated VMs, disks, network and images.');
}

async function stay(
  dir: string,
  places: string[],
  ended: Promise<never>,
  signal: AbortSignal,
): Promise<void> {
  const ctl = `${benchctl} ${places.join(' ')}`;
  say(`Try next, in another terminal:
  edit replicas in        ${join(dir, 'slurm.yaml')}
  let a VM crash          ${ctl} simulate crash demo-compute-0
  give Slurm a job        ${ctl} simulate submit demo --nodes 2 --minutes 10
  drain a node by hand    ${ctl} simulate drain demo-compute-1
  lose the host           ${ctl} simulate host-down local
  look closer             ${ctl} describe cluster demo
  all kinds of trouble    ${ctl} simulate --help
  delete the cluster      rm ${join(dir, 'slurm.yaml')}
Ctrl-C ends the demo and everything in it.`);
  if (signal.aborted) return;
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([aborted, ended]);
}
