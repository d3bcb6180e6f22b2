/**
 * `npm run demo`: a Slurm cluster on a private libvirt of its own, from nothing to `srun`.
 * It uses the product as a user would: an example directory, `benchctl run`, `benchctl ssh`. With
 * `--once` it ends after the job and the tear-down, and leaves nothing behind but the built image.
 * With `--simulated` there is no libvirt; see `demo-simulated.ts`.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab } from '../lab/lab.ts';
import { startLab } from '../lab/start.ts';
import { buildImage } from '../src/image/build.ts';
import type { BuiltImage } from '../src/image/manifest.ts';
import { readRecipe } from '../src/image/recipe.ts';
import { imageManifest } from '../src/wiring/images.ts';
import { endOf, manifest, say, took } from './demo-cluster.ts';
import { simulatedDemo } from './demo-simulated.ts';
import { installPackages } from './packages.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const benchctl = join(root, 'bin/benchctl');

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

async function demo(once: boolean, signal: AbortSignal): Promise<void> {
  await installPackages(say);
  const image = await builtImage(signal);
  const started = performance.now();
  await using lab = await startLab({ kernel: image.kernel });
  say(
    `A private libvirt runs (${seconds(started)}), with ${lab.kvm ? 'KVM' : 'software emulation'}.`,
  );
  const place = await mkdtemp(join(tmpdir(), 'benchcluster-demo-'));
  try {
    await show(lab, place, image, once, signal);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function builtImage(signal: AbortSignal): Promise<BuiltImage> {
  const started = performance.now();
  let last = '';
  const image = await buildImage(await readRecipe(join(root, 'images/debian-slurm')), {
    signal,
    progress: ({ stage }) => {
      if (stage !== last && stage !== 'cached') say(`Building the guest image: ${stage} …`);
      last = stage;
    },
  });
  say(`The guest image is ${last === 'cached' ? 'in the cache' : `built (${seconds(started)})`}.`);
  return image;
}

async function show(
  lab: Lab,
  place: string,
  image: BuiltImage,
  once: boolean,
  signal: AbortSignal,
): Promise<void> {
  const dir = join(place, 'clusters');
  const state = join(place, 'state');
  await mkdir(dir);
  const places = ['--dir', dir, '--state', state];
  const ctl = async (...args: string[]) => {
    const argv = [benchctl, ...places, ...args];
    const result = await lab.exec(argv, { timeoutMs: 900_000, signal });
    return result.stdout.trimEnd();
  };
  await writeFile(join(dir, 'image.yaml'), imageManifest(image));
  await writeFile(join(dir, 'slurm.yaml'), manifest);
  say(`\n$ benchctl run --dir ${dir}\n`);
  const controller = lab.spawn([benchctl, ...places, 'run', '--log-level', 'error'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = endOf(controller);
  try {
    await Promise.race([
      ctl('wait', '--for=condition=Ready', '--timeout', '12m', 'cluster/demo'),
      ended,
    ]);
    say(
      `\n$ benchctl ssh demo-head-0 srun -N2 hostname\n${await ctl('ssh', 'demo-head-0', '--', 'srun', '-N2', 'hostname')}`,
    );
    say(`\n$ benchctl ssh demo-head-0 sinfo\n${await ctl('ssh', 'demo-head-0', '--', 'sinfo')}`);
    say(`\n${await took(state)}`);
    if (once) await tearDown(dir, ctl);
    else await stay(dir, places, lab, signal);
  } finally {
    controller.kill('SIGTERM');
    await ended.catch(() => {});
  }
}

async function tearDown(dir: string, ctl: (...args: string[]) => Promise<string>): Promise<void> {
  const started = performance.now();
  say('Now the manifest is deleted.\n');
  await rm(join(dir, 'slurm.yaml'));
  await ctl('wait', '--for=delete', '--timeout', '5m', 'cluster/demo');
  say(`\nThe cluster is gone, with its VMs, disks, network and images (${seconds(started)}).`);
}

async function stay(dir: string, places: string[], lab: Lab, signal: AbortSignal): Promise<void> {
  const inside = `sudo nsenter -t ${lab.pid} -n -m -p --`;
  say(`Try next, in another terminal:
  edit replicas in        ${join(dir, 'slurm.yaml')}
  kill a VM               ${inside} virsh destroy demo-compute-0
  look closer             ${inside} ${benchctl} ${places.join(' ')} describe cluster demo
  go into a node          ${inside} ${benchctl} ${places.join(' ')} ssh demo-head-0
  delete the cluster      rm ${join(dir, 'slurm.yaml')}
Ctrl-C ends the demo and everything in it.`);
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
}

const abort = new AbortController();
process.once('SIGINT', () => abort.abort());
process.once('SIGTERM', () => abort.abort());
try {
  const once = process.argv.includes('--once');
  const isSimulated = process.argv.includes('--simulated');
  await (isSimulated ? simulatedDemo : demo)(once, abort.signal);
} catch (thrown) {
  if (!abort.signal.aborted) {
    process.stderr.write(`error: ${thrown instanceof Error ? thrown.message : thrown}\n`);
    process.exitCode = 1;
  }
}
