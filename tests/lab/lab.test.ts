/**
 * The lab on the real daemons: it starts, is private, can be hurt, and leaves nothing behind.
 * Without root there is no lab; then only the message is tested.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { innerPid } from '../../lab/enter.ts';
import { attachLab } from '../../lab/lab.ts';
import { LabError } from '../../lab/lab-error.ts';
import { requireLabRights } from '../../lab/privileges.ts';
import { startLab, userCache } from '../../lab/start.ts';

const root = process.getuid?.() === 0;
const needsRoot = { skip: root ? false : 'a private libvirt needs root', timeout: 60_000 };

async function until(what: string, check: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!check()) {
    if (Date.now() > end) assert.fail(`not within 10 s: ${what}`);
    await sleep(20);
  }
}

test('a user without root is told the reason and the command', () => {
  assert.throws(
    () => requireLabRights(1000, ['node', 'lab/cli.ts', 'start', 'a b']),
    (error) =>
      error instanceof LabError &&
      error.code === 'NOT_ROOT' &&
      error.message.includes("sudo -E node lab/cli.ts start 'a b'"),
  );
});

test('two labs at once are apart, and each ends whole', needsRoot, async () => {
  const labs = await Promise.all([startLab(), startLab()]);
  const [first, second] = labs;
  const xml = '<network><name>only-here</name><ip address="10.7.0.1" prefix="24"/></network>';
  await first.exec(['sh', '-c', 'cat | virsh net-create /dev/stdin'], { input: xml });
  assert.match((await first.exec(['virsh', 'net-list', '--name'])).stdout, /only-here/);
  assert.equal((await second.exec(['virsh', 'net-list', '--name'])).stdout.trim(), '');
  assert.match((await first.exec(['ip', 'address'])).stdout, /10\.7\.0\.1/);
  for (const lab of labs) {
    assert.match((await lab.exec(['virsh', 'pool-list', '--name'])).stdout, /^default *$/m);
    const socket = connect(lab.socket);
    await once(socket, 'connect');
    socket.destroy();
  }
  const namespace = readlinkSync(`/proc/${first.pid}/ns/pid`);
  assert.notEqual(namespace, readlinkSync('/proc/self/ns/pid'));
  await Promise.all(labs.map((lab) => lab.stop()));
  for (const lab of labs) {
    assert.equal(lab.isAlive(), false);
    assert.equal(existsSync(lab.dir), false, 'the folder of an ephemeral lab is removed');
  }
  await first.stop();
  await assert.rejects(first.exec(['true']), { code: 'NOT_RUNNING' });
});

test("a lab on another system's folder never writes to it", needsRoot, async () => {
  // Of this machine's own tree, which is what a lab without `root` would see and change.
  const cacheDir = join(userCache(), 'lab-cache');
  const lab = await startLab({ kvm: 'off', root: '/', cacheDir });
  try {
    const script = 'touch /etc/of-the-lab && ls /etc/of-the-lab && virsh pool-list --name && pwd';
    const { stdout } = await lab.exec(['sh', '-c', script]);
    assert.match(stdout, /^\/etc\/of-the-lab\ndefault *\n+\/\n$/);
    assert.equal(existsSync('/etc/of-the-lab'), false);
    await lab.restartDaemon({ kill: true });
  } finally {
    await lab.stop();
  }
  assert.equal(existsSync(lab.dir), false);
});

test('orphans are reaped by the first process', needsRoot, async () => {
  await using lab = await startLab({ kvm: 'off' });
  await lab.exec(['sh', '-c', 'for i in 1 2 3; do setsid sh -c "sleep 0.05" & done']);
  await sleep(300);
  const { stdout } = await lab.exec(['ps', '-eo', 'stat,comm']);
  assert.doesNotMatch(stdout, /^Z/m);
});

test('the lab ends with a parent that is killed', needsRoot, async () => {
  const module = new URL('../../lab/start.ts', import.meta.url).href;
  const code = `import { startLab } from '${module}';
    const lab = await startLab({ kvm: 'off' });
    console.log(lab.dir);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = await once(parent.stdout, 'data');
  const dir = `${chunk}`.trim();
  await until('lab.json', () => existsSync(join(dir, 'lab.json')));
  const lab = attachLab(dir);
  assert.equal(lab.isAlive(), true);
  parent.kill('SIGKILL');
  await until('the lab is gone', () => !lab.isAlive() && !existsSync(dir));
});

test('a killed libvirtd comes back with what it knew', needsRoot, async () => {
  await using lab = await startLab({ kvm: 'off' });
  const xml = '<network><name>kept</name><ip address="10.8.0.1" prefix="24"/></network>';
  await lab.exec(['sh', '-c', 'cat | virsh net-create /dev/stdin'], { input: xml });
  await lab.killDaemon({ kill: true });
  await assert.rejects(lab.exec(['virsh', 'list']), { code: 'COMMAND_FAILED' });
  await lab.startDaemon();
  assert.match((await lab.exec(['virsh', 'net-list', '--name'])).stdout, /kept/);
});

test('a kept folder brings definitions back, and holds one lab at a time', needsRoot, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'lab-test-'));
  const xml = '<network><name>defined</name><ip address="10.9.0.1" prefix="24"/></network>';
  try {
    const first = await startLab({ dir, kvm: 'off' });
    await first.exec(['sh', '-c', 'cat | virsh net-define /dev/stdin'], { input: xml });
    await assert.rejects(startLab({ dir, kvm: 'off' }), { code: 'START_FAILED' });
    assert.equal(first.isAlive(), true);
    await first.stop();
    await using second = await startLab({ dir, kvm: 'off' });
    assert.match((await second.exec(['virsh', 'net-list', '--all'])).stdout, /defined/);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('a signal to a program inside reaches the program itself', needsRoot, async () => {
  await using lab = await startLab({ kvm: 'off' });
  const script = 'trap "echo heard; exit 3" TERM; echo up; while :; do sleep 0.05; done';
  const child = lab.spawn(['sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout ?? assert.fail(), 'data');
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.equal(code, 3);
  const sleeper = lab.spawn(['sleep', '1000']);
  await until('the sleeper runs', () => innerPid(sleeper.pid ?? 0) !== undefined);
  const inner = innerPid(sleeper.pid ?? 0);
  sleeper.kill('SIGKILL');
  await once(sleeper, 'exit');
  assert.equal(existsSync(`/proc/${inner}`), false);
});

test('exec bounds time and output', needsRoot, async () => {
  await using lab = await startLab({ kvm: 'off' });
  await assert.rejects(lab.exec(['sleep', '100'], { timeoutMs: 100 }), {
    code: 'COMMAND_TIMED_OUT',
  });
  await assert.rejects(lab.exec(['yes'], { maxBytes: 1000 }), { code: 'OUTPUT_TOO_LARGE' });
  await assert.rejects(lab.exec(['false']), { code: 'COMMAND_FAILED' });
  assert.equal((await lab.exec(['false'], { check: false })).status, 1);
});
