/** The image of the project, built from its recipe and booted in a lab: it holds the whole contract. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startLab } from '../../lab/start.ts';
import { buildImage } from '../../src/image/build.ts';
import { readRecipe } from '../../src/image/recipe.ts';
import { createBench, worldOf } from './test-bench.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const skip = process.getuid?.() === 0 ? false : 'a private libvirt needs root';

test('benchctl image verify: the Slurm image keeps its contract on a host of the manifests', {
  skip,
  timeout: 600_000,
}, async (context) => {
  const image = await buildImage(await readRecipe(join(root, 'images/debian-slurm')));
  const dir = await mkdtemp(join(tmpdir(), 'image-verify-'));
  context.after(() => rm(dir, { recursive: true, force: true }));
  await using lab = await startLab({ kernel: image.kernel });
  const host = {
    apiVersion: 'benchcluster.io/v1alpha1',
    kind: 'BenchHost',
    metadata: { name: 'rhodey' },
    spec: { uri: 'qemu:///system', domainType: lab.kvm ? 'kvm' : 'qemu' },
  };
  await writeFile(join(dir, 'host.yaml'), `${JSON.stringify(host)}\n`);
  const places = ['--dir', dir, '--state', join(dir, 'state')];
  const argv = [...places, 'image', 'verify', image.manifest.name, '--host', 'rhodey'];
  const { stdout, stderr, status } = await lab.exec([join(root, 'bin/benchctl'), ...argv], {
    timeoutMs: 500_000,
    check: false,
  });
  context.diagnostic(stderr.replaceAll('\n', '; '));
  assert.equal(status, 0, `${stdout}${stderr}`);
  const results = stdout.split('\n').slice(1, -1);
  assert(results.length > 5);
  for (const line of results) assert.match(line, / {3}ok( |$)/);
  for (const what of ['vol-list default', 'net-list --all --name', 'list --all --name']) {
    const left = await lab.exec(['virsh', '-q', ...what.split(' ')]);
    assert.equal(left.stdout.trim(), '', `left of ${what}`);
  }
});

test('benchctl image verify: on a host that is reached by SSH alone, by an ordinary user', {
  skip,
  timeout: 600_000,
}, async () => {
  await using bench = await createBench({ remote: true });
  const emptyWorld = await worldOf(bench);
  assert.match(await bench.benchctl('get', 'hosts'), /^remote +Reachable /m);
  const report = await bench.benchctl('image', 'verify', 'debian-slurm', '--host', 'remote');
  assert.match(report, /^one SSH host key, ed25519 +ok /m);
  assert.equal(await worldOf(bench), emptyWorld);
});
