import assert from 'node:assert/strict';
import { mkdir, readlink, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import { record } from '../support/builders.ts';
import { createWorld } from '../support/fake-context.ts';
import { clusterYaml, hostYaml, imageYaml } from '../support/manifests.ts';

test('apply writes each object into a file of its own, comments and all', async (t) => {
  const world = await createWorld(t);
  world.stdin = `${clusterYaml()}---\n${hostYaml()}`;
  assert.equal(await world.run('apply', '-f', '-'), exitCodes.ok);
  assert.equal(world.stdout.text, 'host/rhodey created\ncluster/slurm-a created\n');
  assert.deepEqual(await world.files(), ['cluster-slurm-a.yaml', 'host-rhodey.yaml']);
  assert.match(await world.read('cluster-slurm-a.yaml'), /replicas: 2 # how many/);
});

test('a new file ends with the mark of a whole file, and keeps it when it is edited', async (t) => {
  const world = await createWorld(t);
  world.stdin = clusterYaml();
  await world.run('apply', '-f', '-');
  assert.equal(await world.read('cluster-slurm-a.yaml'), `${clusterYaml()}...\n`);
  world.stdin = clusterYaml('slurm-a', 3);
  await world.run('apply', '-f', '-');
  assert.equal(await world.read('cluster-slurm-a.yaml'), `${clusterYaml('slurm-a', 3)}...\n`);
  await world.write('all.yaml', `${hostYaml()}---\n${clusterYaml('b')}...\n`);
  await world.run('delete', 'cluster/b');
  assert.equal(await world.read('all.yaml'), `${hostYaml()}...\n`);
});

test('apply replaces an object where it stands and leaves its neighbours', async (t) => {
  const world = await createWorld(t);
  const before = `# ours\n${hostYaml()}---\n${clusterYaml()}---\n# last\n${clusterYaml('b')}`;
  await world.write('all.yaml', before);
  world.stdin = clusterYaml('slurm-a', 9);
  assert.equal(await world.run('apply', '-f', '-'), exitCodes.ok);
  assert.equal(world.stdout.text, 'cluster/slurm-a configured\n');
  assert.deepEqual(await world.files(), ['all.yaml']);
  assert.equal(await world.read('all.yaml'), before.replace('replicas: 2', 'replicas: 9'));
});

test('apply of what is there already says unchanged', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml());
  world.stdin = clusterYaml();
  await world.run('apply', '-f', '-');
  assert.equal(world.stdout.text, 'cluster/slurm-a unchanged\n');
});

test('one fault anywhere: nothing is written, and every fault is told', async (t) => {
  const world = await createWorld(t);
  world.stdin = `${clusterYaml()}---\nkind: Nonsense\n---\nkind: Other\n`;
  assert.equal(await world.run('apply', '-f', '-'), exitCodes.invalidManifests);
  assert.deepEqual(await world.files(), []);
  assert.match(world.stderr.text, /"Nonsense" is not a kind[\s\S]*"Other" is not a kind/);
  assert.match(world.stderr.text, /error: .* has 2 faults; nothing was written/);
});

test('an object defined twice in the input, or in the directory, is refused', async (t) => {
  const world = await createWorld(t);
  world.stdin = `${clusterYaml()}---\n${clusterYaml()}`;
  assert.equal(await world.run('apply', '-f', '-'), exitCodes.invalidManifests);
  await world.write('a.yaml', clusterYaml());
  await world.write('b.yaml', clusterYaml());
  world.stdin = clusterYaml();
  assert.equal(await world.run('apply', '-f', '-'), exitCodes.invalidManifests);
  assert.match(world.stderr.text, /is defined twice, in .*a\.yaml and .*b\.yaml/);
});

test('the relative paths of an image become absolute when it moves', async (t) => {
  const world = await createWorld(t);
  const from = await createWorld(t);
  await from.write('image.yaml', imageYaml());
  assert.equal(await world.run('apply', '-f', join(from.dir, 'image.yaml')), exitCodes.ok);
  const image = parse(await world.read('image-debian-slurm.yaml'));
  assert.equal(image.spec.source.path, join(from.dir, 'images/slurm.qcow2'));
  assert.equal(image.spec.provides[0], 'slurm');
});

test('a host and its key files keep together when it moves, also over one that is there', async (t) => {
  const world = await createWorld(t);
  const from = await createWorld(t);
  const spec = 'spec: {uri: "qemu+ssh://u@rhodey/system", ssh: {"identityFile": keys/id';
  const host = `${hostYaml().split('spec:')[0]}${spec}, knownHostsFile: '../known' }} # ours\n`;
  await from.write('host.yaml', host);
  const apply = () => world.run('apply', '-f', join(from.dir, 'host.yaml'));
  assert.equal(await apply(), exitCodes.ok, world.stderr.text);
  const text = await world.read('host-rhodey.yaml');
  const { ssh } = parse(text).spec;
  assert.equal(ssh.identityFile, join(from.dir, 'keys/id'));
  assert.equal(ssh.knownHostsFile, join(dirname(from.dir), 'known'));
  assert.match(text, /# ours$/m);
  assert.equal(await apply(), exitCodes.ok, world.stderr.text);
  assert.match(world.stdout.text, /host\/rhodey unchanged/);
});

test('relative paths on stdin are those of the working directory', async (t) => {
  const world = await createWorld(t);
  world.stdin = imageYaml('image.qcow2');
  assert.equal(await world.run('apply', '-f', '-'), exitCodes.ok, world.stderr.text);
  const image = parse(await world.read('image-debian-slurm.yaml'));
  assert.equal(image.spec.source.path, resolve('image.qcow2'));
});

test('a path that cannot be changed without something else is refused, and nothing written', async (t) => {
  const world = await createWorld(t);
  const from = await createWorld(t);
  const [head = '', spec = ''] = imageYaml('&file images/a.qcow2').split(/^(?=spec:)/m);
  const labelled = head.replace('debian-slurm}', 'debian-slurm, labels: {file: *file}}');
  const [api = '', rest = ''] = labelled.split(/^(?=metadata:)/m);
  await from.write('image.yaml', `${api}${spec}${rest}`);
  assert.equal(await world.run('apply', '-f', join(from.dir, 'image.yaml')), exitCodes.failed);
  assert.match(world.stderr.text, /cannot make the paths of image\/debian-slurm absolute/);
  assert.match(world.stderr.text, /next: {2}write absolute paths in .*image\.yaml/);
  assert.deepEqual(await world.files(), []);
});

test('--dry-run writes nothing', async (t) => {
  const world = await createWorld(t);
  world.stdin = clusterYaml();
  assert.equal(await world.run('apply', '-f', '-', '--dry-run'), exitCodes.ok);
  assert.equal(world.stdout.text, 'cluster/slurm-a created (dry run)\n');
  assert.deepEqual(await world.files(), []);
});

test('a directory without manifest files is not applied in silence', async (t) => {
  const world = await createWorld(t);
  const empty = join(world.dir, 'empty');
  await mkdir(empty);
  assert.equal(await world.run('apply', '-f', empty), exitCodes.notFound);
  assert.match(world.stderr.text, /empty holds no manifest file\nnext: /);
});

test('apply makes a missing directory', async (t) => {
  const world = await createWorld(t);
  world.stdin = clusterYaml();
  const dir = join(world.dir, 'deep', 'clusters');
  assert.equal(await world.run('apply', '-f', '-', '--dir', dir), exitCodes.ok);
  assert.match(await world.read('deep/clusters/cluster-slurm-a.yaml'), /slurm-a/);
});

test('a file name that is taken by something else is not overwritten', async (t) => {
  const world = await createWorld(t);
  await world.write('cluster-slurm-a.yaml', clusterYaml('b'));
  world.stdin = clusterYaml();
  await world.run('apply', '-f', '-');
  assert.deepEqual(await world.files(), ['cluster-slurm-a.2.yaml', 'cluster-slurm-a.yaml']);
  assert.equal(await world.read('cluster-slurm-a.yaml'), clusterYaml('b'));
});

test('a symbolic link in the directory stays one', async (t) => {
  const world = await createWorld(t);
  await mkdir(join(world.dir, 'real'));
  await world.write('real/a.yaml', clusterYaml());
  await symlink('real/a.yaml', join(world.dir, 'a.yaml'));
  world.stdin = clusterYaml('slurm-a', 7);
  assert.equal(await world.run('apply', '-f', '-'), exitCodes.ok);
  assert.equal(await readlink(join(world.dir, 'a.yaml')), 'real/a.yaml');
  assert.match(await world.read('real/a.yaml'), /replicas: 7/);
});

test('a missing input file is not found', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('apply', '-f', '/nowhere.yaml'), exitCodes.notFound);
  assert.match(world.stderr.text, /cannot read \/nowhere\.yaml/);
});

test('delete takes one document out of its file', async (t) => {
  const world = await createWorld(t);
  await world.write('all.yaml', `${hostYaml()}---\n${clusterYaml()}---\n${clusterYaml('b')}`);
  assert.equal(await world.run('delete', 'cluster/slurm-a'), exitCodes.ok);
  assert.equal(await world.read('all.yaml'), `${hostYaml()}---\n${clusterYaml('b')}`);
  assert.deepEqual(world.deletions, ['default/slurm-a']);
  assert.match(world.stderr.text, /benchctl wait --for=delete cluster\/slurm-a/);
});

test('the last object of a file takes the file with it', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml());
  await world.write('host.yaml', hostYaml());
  await world.run('delete', 'cluster', 'slurm-a');
  assert.deepEqual(await world.files(), ['host.yaml']);
  assert.deepEqual(world.deletions, ['default/slurm-a']);
});

test('what is deleted by name is recorded in the state', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml());
  await world.write('b.yaml', clusterYaml('b'));
  await world.run('delete', 'cluster/slurm-a', 'cluster/b');
  assert.deepEqual(await world.files(), []);
  assert.deepEqual(world.deletions.sort(), ['default/b', 'default/slurm-a']);
});

test('a deletion that was cut between file and state is finished by the same command', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record() }];
  assert.equal(await world.run('delete', 'cluster/slurm-a'), exitCodes.ok);
  assert.deepEqual(world.deletions, ['default/slurm-a']);
});

test('a protected cluster is not deleted, and the place of its annotation is named', async (t) => {
  const world = await createWorld(t);
  const annotation = 'annotations: {benchcluster.io/protect: "true"}';
  const text = clusterYaml().replace('{name: slurm-a}', `{name: slurm-a, ${annotation}}`);
  await world.write('a.yaml', text);
  await world.write('b.yaml', clusterYaml('b'));
  assert.equal(await world.run('delete', 'cluster/b', 'cluster/slurm-a'), exitCodes.failed);
  assert.match(
    world.stderr.text,
    /error: cluster\/slurm-a is protected by the annotation benchcluster\.io\/protect\nnext: .*a\.yaml:2.*benchctl delete cluster\/slurm-a/,
  );
  assert.deepEqual(await world.files(), ['a.yaml', 'b.yaml']);
  assert.deepEqual(world.deletions, []);
});

test('a cluster that the controller still has as protected is not deleted either', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml());
  const protectedRecord = record();
  protectedRecord.cluster.metadata.annotations = { 'benchcluster.io/protect': 'true' };
  world.clusters = [{ record: protectedRecord }];
  assert.equal(await world.run('delete', 'cluster/slurm-a'), exitCodes.failed);
  assert.match(world.stderr.text, /have the controller take in its manifest without/);
  assert.deepEqual(await world.files(), ['a.yaml']);
});

test('an unknown object is not found, and nothing else is deleted', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml());
  assert.equal(await world.run('delete', 'cluster/slurm-a', 'cluster/nope'), exitCodes.notFound);
  assert.deepEqual(await world.files(), ['a.yaml']);
});

test('an image or host that a cluster uses is kept', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', `${clusterYaml()}---\n${imageYaml()}---\n${hostYaml()}`);
  for (const ref of ['image/debian-slurm', 'host/rhodey']) {
    assert.equal(await world.run('delete', ref), exitCodes.failed);
    assert.match(world.stderr.text, new RegExp(`${ref} is used by cluster/slurm-a`));
  }
  assert.equal(await world.run('delete', 'image/debian-slurm', 'cluster/slurm-a'), exitCodes.ok);
});

test('a shared image is kept for a cluster of another namespace that means it', async (t) => {
  const world = await createWorld(t);
  const inLab = (text: string) => text.replace(/metadata: \{/, 'metadata: {namespace: lab, ');
  await world.write('shared.yaml', imageYaml());
  await world.write('lab.yaml', inLab(clusterYaml()));
  assert.equal(await world.run('delete', 'image/debian-slurm'), exitCodes.failed);
  assert.match(
    world.stderr.text,
    /image\/debian-slurm is used by cluster\/slurm-a in namespace lab/,
  );
  await world.write('own.yaml', inLab(imageYaml()));
  assert.equal(await world.run('delete', 'image/debian-slurm'), exitCodes.ok);
  assert.equal(await world.run('delete', 'image/debian-slurm', '-n', 'lab'), exitCodes.failed);
});

test('a node cannot be deleted, and the way to do it is named', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('delete', 'node/slurm-a-compute-0'), exitCodes.usage);
  assert.match(world.stderr.text, /lower replicas/);
});

test('what is to be typed next means the cluster of that namespace', async (t) => {
  const world = await createWorld(t);
  const inLab = clusterYaml().replace(/metadata: \{/, 'metadata: {namespace: lab, ');
  await world.write('all.yaml', `${clusterYaml()}---\n${inLab}`);
  assert.equal(await world.run('delete', 'cluster/slurm-a', '-n', 'lab'), exitCodes.ok);
  assert.match(world.stderr.text, /wait --for=delete cluster\/slurm-a -n lab\n/);
});

test('delete -f takes what the file names', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', `${clusterYaml()}---\n${hostYaml()}`);
  world.stdin = clusterYaml('slurm-a', 77);
  assert.equal(await world.run('delete', '-f', '-'), exitCodes.ok);
  assert.equal(await world.read('a.yaml'), `---\n${hostYaml()}`);
});

test('a broken file beside it does not keep what is deleted by name', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml());
  await world.write('bad.yaml', 'kind: [\n');
  assert.equal(await world.run('delete', 'cluster/slurm-a'), exitCodes.ok);
  assert.deepEqual(await world.files(), ['bad.yaml']);
  assert.deepEqual(world.deletions, ['default/slurm-a']);
});
