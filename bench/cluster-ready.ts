/**
 * A manifest written to its cluster Ready, against the barest script (`bare-cluster.ts`) that makes
 * the same cluster: the same network, overlays of the same image, machines, keys and slurm.conf.
 * Both find the image in the pool and nothing else, and take turns in one lab, so that both meet
 * the same machine. The controller runs before its manifest is written, as it does at a user's.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { artifactVolume } from '../src/controllers/bench-cluster/desired.ts';
import type { OwnerMark } from '../src/controllers/ports.ts';
import { renderHead } from '../src/controllers/schedulers/slurm/render.ts';
import { renderDomain } from '../src/drivers/libvirt/domain-xml.ts';
import { renderNetwork } from '../src/drivers/libvirt/network-xml.ts';
import { buildImage } from '../src/image/build.ts';
import type { BuiltImage } from '../src/image/manifest.ts';
import { readRecipe } from '../src/image/recipe.ts';
import { imageManifest } from '../src/wiring/images.ts';
import type { BareCluster, BareNode } from './bare-cluster.ts';
import { median, type Row, ratios } from './figures.ts';
import { createStage, now, type Stage } from './stage.ts';

const script = fileURLToPath(new URL('./bare-cluster.ts', import.meta.url));
const pool = '/var/lib/libvirt/images';
const name = 'ready';
const cidr = '192.168.150.0/24';
const memoryMib = { head: 768, worker: 640 };
const workerCount = 2;
const goal = 1.05;

const slurmImage = async () =>
  buildImage(await readRecipe(fileURLToPath(new URL('../images/debian-slurm', import.meta.url))));

/** A stage with the Slurm image in its pool, and a controller that has nothing to do yet. */
export async function slurmStage(): Promise<Stage & { image: BuiltImage }> {
  const image = await slurmImage();
  const stage = await createStage({ kernel: image.kernel });
  await putImage(stage, image);
  await stage.write('image.yaml', imageManifest(image));
  stage.startController();
  return { ...stage, image };
}

export function slurmManifest(): string {
  return `apiVersion: benchcluster.io/v1alpha1
kind: BenchCluster
metadata: {name: ${name}}
spec:
  scheduler: {slurm: {}}
  image: debian-slurm
  network: {name: ${name}-net, managed: {cidr: ${cidr}, forward: none}}
  controlPlane: {memory: ${memoryMib.head}Mi, disk: 6Gi}
  workers:
  - {name: compute, memory: ${memoryMib.worker}Mi, disk: 6Gi, replicas: ${workerCount}}
`;
}

function volumesOf({ manifest }: BuiltImage) {
  const volume = (sha256: string, kind: 'qcow2' | 'vmlinuz' | 'initrd') =>
    artifactVolume(manifest.name, sha256, kind);
  return {
    disk: volume(manifest.disk.sha256, 'qcow2'),
    kernel: volume(manifest.kernel.sha256, 'vmlinuz'),
    initrd: volume(manifest.initrd.sha256, 'initrd'),
  };
}

/** A stranger's machine that never runs keeps the image from leaving with its last cluster. */
async function putImage(stage: Stage, image: BuiltImage): Promise<void> {
  const volumes = volumesOf(image);
  for (const kind of ['disk', 'kernel', 'initrd'] as const) {
    const { size } = image.manifest[kind];
    const format = kind === 'disk' ? 'qcow2' : 'raw';
    const volume = volumes[kind];
    await stage.virsh('vol-create-as', 'default', volume, `${size}`, '--format', format);
    await stage.virsh('vol-upload', volume, image[kind], '--pool', 'default');
  }
  await stage.virsh('pool-refresh', 'default');
  const { disk, kernel, initrd } = volumes;
  await defineFrom(
    stage,
    `<domain type='qemu'><name>keeper</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64'>hvm</type><kernel>${pool}/${kernel}</kernel><initrd>${pool}/${initrd}</initrd></os>
<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
<source file='${pool}/${disk}'/><target dev='vda' bus='virtio'/></disk></devices></domain>`,
  );
}

async function defineFrom(stage: Stage, xml: string): Promise<void> {
  const file = join(stage.root, 'keeper.xml');
  await writeFile(file, xml);
  await stage.virsh('define', file);
}

/** Until the status says Ready, in milliseconds. */
export async function manifestToReady(stage: Stage): Promise<number> {
  const written = now();
  await stage.write(`${name}.yaml`, slurmManifest());
  await stage.until(
    name,
    (status) =>
      status?.conditions.find(({ type }) => type === 'Ready')?.status === 'True' &&
      status.nodes.length === workerCount + 1,
    480_000,
  );
  return now() - written;
}

export async function removeManifest(stage: Stage): Promise<void> {
  await stage.remove(`${name}.yaml`);
  await stage.until(name, (status) => status === undefined);
}

function bareNode(
  node: string,
  mac: string,
  memory: number,
  image: BuiltImage,
  context: { network: string; publicKey: string; type: 'kvm' | 'qemu' },
): BareNode {
  const { kernel, initrd } = volumesOf(image);
  const volume = `${node}.qcow2`;
  const owner: OwnerMark = { installation: randomUUID() };
  const xml = renderDomain(
    {
      ...{ name: node, uuid: randomUUID(), type: context.type, cpus: 1, mac, volume, owner },
      memoryBytes: memory * 1024 ** 2,
      network: context.network,
      boot: { kernel, initrd, cmdline: image.manifest.cmdline },
      authorizedKeys: [context.publicKey],
    },
    {
      disk: `${pool}/${volume}`,
      kernel: `${pool}/${kernel}`,
      initrd: `${pool}/${initrd}`,
      consoleLog: `${pool}/${node}.console.log`,
    },
  );
  return { name: node, mac, volume, xml };
}

async function bareCluster(stage: Stage, image: BuiltImage, root: string): Promise<BareCluster> {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(root, 'key')]);
  const publicKey = await readFile(join(root, 'key.pub'), 'utf8');
  const network = 'bare-net';
  const type = stage.lab.kvm ? 'kvm' : 'qemu';
  const context = { network, publicKey, type } as const;
  const { conf } = renderHead({
    ...{ cluster: 'bare', name: 'bare-head-0', address: '@ADDRESS@', pools: ['compute'] },
    config: { config: {} },
  });
  return {
    network: {
      name: network,
      xml: renderNetwork({
        ...{ name: network, uuid: randomUUID(), cidr, forward: 'none' },
        owner: { installation: randomUUID() },
      }),
    },
    image: volumesOf(image).disk,
    capacity: '6G',
    head: bareNode('bare-head-0', '52:54:00:be:00:00', memoryMib.head, image, context),
    workers: Array.from({ length: workerCount }, (_, index) =>
      bareNode(
        ...([`bare-compute-${index}`, `52:54:00:be:00:0${index + 1}`] as const),
        ...([memoryMib.worker, image, context] as const),
      ),
    ),
    feature: 'compute',
    root,
    mungeKey: randomBytes(128).toString('base64').replaceAll('\n', ''),
    slurmConf: conf,
  };
}

/** The script's own time from its first line to its last, in milliseconds. */
async function runScript(
  stage: Stage,
  image: BuiltImage,
  round: number,
): Promise<{ took: number; printed: string }> {
  const root = join(stage.root, `bare${round}`);
  await mkdir(root);
  const cluster = await bareCluster(stage, image, root);
  const file = join(root, 'cluster.json');
  await writeFile(file, JSON.stringify(cluster));
  try {
    const argv = [process.execPath, '--disable-warning=ExperimentalWarning', script, file];
    const { stdout } = await stage.lab.exec(argv, { timeoutMs: 480_000 });
    return { took: Number(/^(\d+) ready$/m.exec(stdout)?.[1]), printed: stdout };
  } finally {
    await removeBare(stage, cluster);
  }
}

async function removeBare(stage: Stage, { network, head, workers }: BareCluster): Promise<void> {
  for (const { name: node, volume } of [head, ...workers]) {
    await stage.virsh('destroy', node);
    await stage.virsh('undefine', node);
    await stage.virsh('vol-delete', volume, '--pool', 'default');
    await stage.lab.exec(['rm', '-f', `${pool}/${node}.console.log`]);
  }
  await stage.virsh('net-destroy', network.name);
  await stage.virsh('net-undefine', network.name);
}

/** `steps` shows what each side did when. */
export async function clusterReady(repetitions: number, steps: boolean): Promise<Row[]> {
  await using stage = await slurmStage();
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < repetitions; round += 1) {
    const controller = async () => {
      await stage.newLog();
      const took = await manifestToReady(stage);
      ours.push(took);
      console.log(`  controller ${inSeconds(took)}`);
      if (steps) await showSteps(stage);
      await removeManifest(stage);
    };
    const bare = async () => {
      const { took, printed } = await runScript(stage, stage.image, round);
      if (steps) console.log(printed.trimEnd().replaceAll(/^/gm, '    '));
      theirs.push(took);
      console.log(`  script     ${inSeconds(took)}`);
    };
    // Each goes first in turn: the second may find the machine warmer.
    for (const turn of round % 2 === 0 ? [controller, bare] : [bare, controller]) await turn();
  }
  return rowsOf(ours, theirs);
}

async function showSteps(stage: Stage): Promise<void> {
  const log = await stage.newLog();
  const since = Date.parse(log[0]?.time ?? '');
  for (const { time, msg, action = '' } of log) {
    console.log(`    ${Date.parse(time) - since} ${msg} ${action}`.trimEnd());
  }
}

function inSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function rowsOf(ours: number[], theirs: number[]): Row[] {
  const bench = 'cluster-ready';
  const count = ours.length;
  const times = (what: string, of: number[]): Row => ({
    ...{ bench, what, count, best: inSeconds(Math.min(...of)) },
    median: inSeconds(median(of)),
  });
  const ratio = ratios(ours, theirs);
  return [
    times('manifest to Ready, 1 head and 2 workers', ours),
    times('the barest script', theirs),
    {
      ...{ bench, what: 'controller / script', count, best: ratio.best.toFixed(3) },
      ...{ median: ratio.median.toFixed(3), goal: `<= ${goal}`, met: ratio.median <= goal },
    },
  ];
}
