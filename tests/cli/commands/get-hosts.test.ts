/** `get hosts` and `get images`: what the directory says, and what the hosts themselves show. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import { SimHypervisor } from '../../../src/sim/hypervisor.ts';
import { createWorld, type FakeWorld } from '../support/fake-context.ts';
import { hostYaml, imageYaml } from '../support/manifests.ts';

async function worldWith(t: TestContext): Promise<{ world: FakeWorld; host: SimHypervisor }> {
  const world = await createWorld(t);
  const host = new SimHypervisor({ clock: world.clock, cpus: 8, domainTypes: ['kvm', 'qemu'] });
  world.hosts.set('rhodey', host);
  await world.write('a.yaml', `${hostYaml('rhodey')}---\n${hostYaml('hulk')}---\n${imageYaml()}`);
  return { world, host };
}

test('get hosts shows what each host is, and which one does not answer', async (t) => {
  const { world } = await worldWith(t);
  assert.equal(await world.run('get', 'hosts'), exitCodes.ok);
  const rows = world.stdout.text.split('\n').map((line) => line.split(/ {3,}/));
  assert.deepEqual(rows.slice(0, -1), [
    ['NAME', 'STATUS', 'LIBVIRT', 'TYPES', 'CPUS', 'MEMORY', 'POOL', 'FREE', 'URI'],
    ['hulk', 'Unreachable', '-', '-', '-', '-', 'default', '-', 'qemu:///system'],
    [
      ...['rhodey', 'Reachable', '9.0.0', 'kvm,qemu', '8', '8.0 GiB', 'default', '100 GiB'],
      'qemu:///system',
    ],
  ]);
  assert.match(world.stderr.text, /note: host hulk cannot be reached: no route to it/);
  assert.equal(world.leftOpen, 0);
});

test('hosts as values have their status, and wide tells more', async (t) => {
  const { world } = await worldWith(t);
  await world.run('get', 'hosts', '-o', 'yaml');
  const [hulk, rhodey] = parse(world.stdout.text).items;
  assert.deepEqual(hulk.status, { reachable: false, message: 'no route to it' });
  assert.equal(rhodey.status.reachable, true);
  assert.equal(rhodey.status.pool.availableBytes, 100 * 2 ** 30);
  assert.deepEqual(rhodey.status.domainTypes, ['kvm', 'qemu']);
  world.stdout.text = '';
  await world.run('get', 'host/rhodey', '-o', 'wide');
  assert.match(world.stdout.text, /URI +HOSTNAME +DOMAIN-TYPE +VMS\n.* fake +auto +0\n$/);
});

test('hosts are asked side by side, and one that hangs is given up after its time', async (t) => {
  const { world, host } = await worldWith(t);
  const hung = new SimHypervisor({ clock: world.clock });
  const asked: string[] = [];
  hung.inventory = (signal) => {
    asked.push('hulk');
    return new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason)),
    );
  };
  host.inventory = async () => {
    asked.push('rhodey');
    return host.view();
  };
  world.hosts.set('hulk', hung);
  const got = world.run('get', 'hosts');
  while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
  world.clock.advance(10_000);
  assert.equal(await got, exitCodes.ok);
  assert.match(world.stdout.text, /^hulk +Unreachable .*\nrhodey +Reachable /m);
});

test('names are printed without asking any host', async (t) => {
  const { world, host } = await worldWith(t);
  for (const kind of ['hosts', 'images']) await world.run('get', kind, '-o', 'name');
  assert.equal(world.stdout.text, 'host/hulk\nhost/rhodey\nimage/debian-slurm\n');
  assert.deepEqual(host.calls, []);
  assert.equal(world.stderr.text, '');
});

test('get images shows the hosts that have all files of it', async (t) => {
  const { world, host } = await worldWith(t);
  await world.run('get', 'images');
  assert.match(world.stdout.text, /^debian-slurm +0{12} +slurm +disk +-$/m);
  const name = `debian-slurm-${'0'.repeat(12)}.qcow2`;
  host.volumes.set(name, { name, capacityBytes: 1 });
  world.stdout.text = '';
  await world.run('get', 'images');
  assert.match(world.stdout.text, /^debian-slurm +0{12} +slurm +disk +rhodey$/m);
  world.stdout.text = '';
  await world.run('get', 'image', 'debian-slurm', '-o', 'json');
  const { status } = JSON.parse(world.stdout.text);
  assert.deepEqual(status, { hosts: ['rhodey'], unreachableHosts: ['hulk'] });
});
