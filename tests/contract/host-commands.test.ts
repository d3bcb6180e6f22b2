/** `get hosts`, `get images`, `image list` and `image prune` as users run them, on a real libvirt. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '../../src/cli/exit-code.ts';
import type { Artifact } from '../../src/controllers/ports.ts';
import type { ImageManifest } from '../../src/image/manifest.ts';
import { type HypervisorLab, needsRoot, openHypervisorLab } from './hypervisor-lab.ts';

const program = fileURLToPath(new URL('../../bin/benchctl', import.meta.url));
const skip = needsRoot;
const signal = () => AbortSignal.timeout(30_000);
const folder = mkdtempSync(join(tmpdir(), 'host-commands-'));
let place: HypervisorLab;
/** Under a disk, under a stranger's domain, of nobody we know, and unused. */
let files: Record<'disk' | 'domain' | 'foreign' | 'unused', Artifact>;

before(async () => {
  if (skip) return;
  place = await openHypervisorLab();
  const { hypervisor, define, file } = place;
  const make = (name: string, mebibytes: number) => file(name, mebibytes * 2 ** 20);
  files = {
    disk: make('disk', 1),
    domain: make('domain', 2),
    foreign: make('foreign', 3),
    unused: make('unused', 4),
  };
  for (const artifact of Object.values(files)) {
    await hypervisor.uploadArtifact(artifact, () => {}, signal());
  }
  const overlay = { name: 'vm-0.qcow2', capacityBytes: 2 ** 26, backingVolume: files.disk.volume };
  await hypervisor.createVolume(overlay, signal());
  const { pool } = await hypervisor.inventory(signal());
  await define(
    ['define'],
    `<domain type='qemu'><name>stranger</name><memory>65536</memory><os><type>hvm</type></os>
      <devices><disk type='file'><source file='${pool.path}/${files.domain.volume}'/>
      <target dev='sda'/></disk></devices></domain>`,
  );
  mkdirSync(join(folder, 'dir'));
  const host = (name: string, uri: string) =>
    `apiVersion: benchcluster.io/v1alpha1\nkind: BenchHost\nmetadata: {name: ${name}}\nspec: {uri: '${uri}'}\n`;
  writeFileSync(join(folder, 'dir/rhodey.yaml'), host('rhodey', 'qemu:///system'));
  writeFileSync(join(folder, 'dir/hulk.yaml'), host('hulk', 'qemu+ssh://u@127.0.0.1:9/system'));
  writeFileSync(join(folder, 'dir/image.yaml'), imageManifest(files.disk));
  cache(files.disk, 3);
  cache(files.domain, 2);
  cache(files.unused, 1);
});

after(async () => {
  await place?.close();
  rmSync(folder, { recursive: true, force: true });
});

function imageManifest({ sourcePath, sha256 }: Artifact): string {
  const source = JSON.stringify({ path: sourcePath, sha256 });
  return `apiVersion: benchcluster.io/v1alpha1\nkind: BenchImage\nmetadata: {name: image}\nspec: {source: ${source}}\n`;
}

/** A build as `image build` leaves it; later days are newer. */
function cache({ sha256 }: Artifact, day: number): void {
  const dir = join(folder, 'cache/benchcluster/images/image', sha256.slice(0, 12));
  mkdirSync(dir, { recursive: true });
  const part = (name: string, digest: string) => ({ name, size: 1, sha256: digest });
  const manifest: ImageManifest = {
    name: 'image',
    recipe: sha256,
    builtAt: `2026-01-0${day}T00:00:00Z`,
    ...{ provides: [], user: 'root', access: 'SystemdCredentials', cmdline: '', packages: {} },
    disk: { ...part('disk.qcow2', sha256), format: 'qcow2', virtualSize: 1 },
    kernel: part('vmlinuz', '1'.repeat(64)),
    initrd: part('initrd', '2'.repeat(64)),
  };
  writeFileSync(join(dir, 'image.json'), JSON.stringify(manifest));
}

async function benchctl(...argv: string[]) {
  const places = ['--dir', join(folder, 'dir'), '--state', join(folder, 'state')];
  const environment = `XDG_CACHE_HOME=${join(folder, 'cache')}`;
  const command = ['env', environment, program, ...places, ...argv];
  return place.lab.exec(command, { timeoutMs: 60_000, check: false });
}

async function volumes(): Promise<string[]> {
  const listed = await place.virsh('-q', 'vol-list', 'default');
  return listed
    .split('\n')
    .flatMap((line) => line.trim().split(/\s+/)[0] || [])
    .sort();
}

test('get hosts shows a real libvirt, and which host does not answer', { skip }, async () => {
  const { stdout, status } = await benchctl('get', 'hosts', '-o', 'json');
  assert.equal(status, 0);
  const [hulk, rhodey] = JSON.parse(stdout).items;
  assert.equal(hulk.status.reachable, false);
  const version = /library: libvirt (\S+)/.exec(await place.virsh('version'))?.[1];
  assert.equal(rhodey.status.libvirtVersion, version);
  assert.deepEqual(rhodey.status.domainTypes, ['qemu']);
  assert(rhodey.status.cpus > 0 && rhodey.status.memoryBytes > 2 ** 28);
  assert(rhodey.status.pool.availableBytes > 0);
});

test('get images shows the host that has it', { skip }, async () => {
  const { stdout, stderr } = await benchctl('get', 'images');
  assert.match(stdout, /^image +[0-9a-f]{12} +- +disk +rhodey$/m);
  assert.match(stderr, /note: host hulk cannot be reached/);
});

test('image list tells who uses each volume, its size, and whose it is', { skip }, async () => {
  const { stdout, status } = await benchctl('image', 'list', '-o', 'json');
  assert.equal(status, 0);
  const copies: { where: string; file: string; state: string; usedBy: string[]; bytes: number }[] =
    JSON.parse(stdout);
  const onHost = new Map(
    copies.filter(({ where }) => where === 'rhodey').map((copy) => [copy.file, copy]),
  );
  const seen = ({ volume }: Artifact) => [onHost.get(volume)?.state, onHost.get(volume)?.usedBy];
  assert.deepEqual(seen(files.disk), ['used', ['vm-0.qcow2']]);
  assert.deepEqual(seen(files.domain), ['used', ['stranger']]);
  assert.deepEqual(seen(files.foreign), ['foreign', []]);
  assert.deepEqual(seen(files.unused), ['unused', []]);
  assert((onHost.get(files.unused.volume)?.bytes ?? 0) > 4 * 2 ** 20);
  assert.equal(onHost.size, 4);
});

test('image prune removes nothing unasked, and then only what is ours and unused', {
  skip,
}, async () => {
  const all = await volumes();
  const unasked = await benchctl('image', 'prune');
  assert.equal(unasked.status, exitCodes.usage, unasked.stderr);
  assert.deepEqual(await volumes(), all);
  const { status, stdout, stderr } = await benchctl('image', 'prune', '--yes');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^2 removed/m);
  assert.deepEqual(
    await volumes(),
    all.filter((name) => name !== files.unused.volume),
  );
  assert.match((await benchctl('image', 'prune', '--yes')).stdout, /^nothing to remove$/m);
});
