// Guests that only a jump host reaches: three network namespaces, each with a real sshd.
//
//   this process ── relay ── jump (10.9.0.1) ── veth ── guests (10.9.0.2, 10.9.0.3)
//
// Each guest has a link to the jump host only.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type GuestTarget, PortError } from '../../src/controllers/ports.ts';
import { SshGuestRunner } from '../../src/drivers/ssh/guest-runner.ts';
import { HypervisorHost } from '../../src/drivers/ssh/hypervisor-host.ts';
import { generateEd25519 } from '../../src/drivers/ssh/keys.ts';
import { canStartSshd, type PrivateSshd, startSshd } from '../support/private-sshd.ts';

const skip = canStartSshd() ?? false;
const key = generateEd25519('controller');
const UUIDS = ['3f2b8c1e-1111-4000-8000-000000000001', '3f2b8c1e-2222-4000-8000-000000000002'];
const ADDRESSES = ['10.9.0.2', '10.9.0.3'];
const GUEST_PORT = 2022;

function netns(pid: number, ...argv: string[]): void {
  execFileSync('nsenter', ['-t', String(pid), '-n', 'ip', ...argv]);
}

function plug(jump: PrivateSshd, guest: PrivateSshd, name: string, address: string): void {
  netns(
    jump.pid,
    'link',
    'add',
    name,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    String(guest.pid),
  );
  netns(jump.pid, 'addr', 'add', `10.9.0.1/32`, 'dev', name);
  netns(jump.pid, 'link', 'set', name, 'up');
  netns(jump.pid, 'route', 'add', `${address}/32`, 'dev', name);
  netns(guest.pid, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
  netns(guest.pid, 'link', 'set', 'eth0', 'up');
}

const code = (wanted: string, cause: string) => (error: unknown) => {
  assert.ok(error instanceof PortError, String(error));
  assert.equal(error.code, wanted, error.message);
  assert.equal((error.cause as { code?: unknown }).code, cause, error.message);
  return true;
};

describe('guests behind a jump host', { skip }, () => {
  let dir = '';
  let jump: PrivateSshd;
  const guests: PrivateSshd[] = [];
  let host: HypervisorHost;
  let runner: SshGuestRunner;
  const options = { timeoutMs: 10_000, signal: new AbortController().signal };

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'guests-'));
    writeFileSync(join(dir, 'key'), key.privateKey, { mode: 0o600 });
    const authorizedKeys = [key.publicKey];
    jump = await startSshd({ users: [{ name: 'bench', authorizedKeys }], ownNetwork: true });
    for (const [i, productUuid] of UUIDS.entries()) {
      const users = ['root', 'plain'].map((name) => ({ name, authorizedKeys }));
      const address = '0.0.0.0';
      const more = { productUuid, ownNetwork: true, address, port: GUEST_PORT };
      const guest = await startSshd({ users, ...more });
      guests.push(guest);
      plug(jump, guest, `guest${i}`, ADDRESSES[i] ?? '');
    }
    host = new HypervisorHost({
      target: { host: '10.9.0.1', port: jump.port, user: 'bench', connectUri: 'qemu:///system' },
      identity: { kind: 'key-file', path: join(dir, 'key') },
      hostKeys: { kind: 'given', keys: [jump.hostKey] },
      dial: () => jump.dial(),
    });
    runner = new SshGuestRunner({
      identity: async () => ({ kind: 'key', privateKey: key.privateKey, name: 'test key' }),
      dialGuest: (_host, address, port, signal) => host.dialGuest(address, port, { signal }),
      port: GUEST_PORT,
    });
  });
  after(async () => {
    await runner?.close();
    await host?.close();
    for (const sshd of [jump, ...guests]) await sshd?.stop();
    rmSync(dir, { recursive: true });
  });

  function target(i: number, more: Partial<GuestTarget> = {}): GuestTarget {
    return {
      host: 'rhodey',
      node: `slurm-a-compute-${i}`,
      uuid: UUIDS[i] ?? '',
      address: ADDRESSES[i] ?? '',
      user: 'root',
      hostKey: guests[i]?.hostKey ?? '',
      ...more,
    };
  }

  const sessionsOf = (sshd: PrivateSshd | undefined) =>
    sshd?.log().match(/Starting session/g)?.length ?? 0;

  test('scripts run in each guest, over one connection to the jump host', async () => {
    const script = 'cat /sys/class/dmi/id/product_uuid';
    const runs = [0, 1, 0, 1].map((i) => runner.run(target(i), script, options));
    const outputs = (await Promise.all(runs)).map((result) => result.stdout.trim());
    assert.deepEqual(outputs, [UUIDS[0], UUIDS[1], UUIDS[0], UUIDS[1]]);
    assert.equal(jump.log().match(/Accepted publickey/g)?.length, 1);
    for (const guest of guests) {
      assert.equal(guest.log().match(/Accepted publickey/g)?.length, 1);
      assert.match(guest.log(), /Accepted publickey for root from 10\.9\.0\.1 /);
    }
  });

  test('a person gets a terminal on the proven machine', async () => {
    const exit = await runner.use(target(1), options, async (connection) => {
      const terminal = await connection.terminal({ command: 'exit 5' });
      terminal.stream.resume();
      return await terminal.exit;
    });
    assert.equal(exit.exitCode, 5);
    const wrong = target(1, { uuid: UUIDS[0] ?? '' });
    const use = runner.use(wrong, options, async () => assert.fail('it was let in'));
    await assert.rejects(use, code('unreachable', 'WRONG_MACHINE'));
  });

  test('guests that swapped their addresses: not one session on the wrong one', async () => {
    runner.forget(UUIDS[0] ?? '');
    const before = guests.map(sessionsOf);
    const swapped = runner.run(target(0, { address: ADDRESSES[1] ?? '' }), 'true', options);
    await assert.rejects(swapped, code('unreachable', 'SSH_HOST_KEY_MISMATCH'));
    assert.deepEqual(guests.map(sessionsOf), before);
  });

  test('a cloned host key does not make it the right machine', async () => {
    const wrong = target(1, { uuid: UUIDS[0] ?? '' });
    const run = runner.run(wrong, `touch ${dir}/must-not-exist`, options);
    await assert.rejects(run, code('unreachable', 'WRONG_MACHINE'));
    assert.throws(() => execFileSync('ls', [`${dir}/must-not-exist`], { stdio: 'ignore' }));
  });

  test('a user who may not read the UUID gets an error that says what to allow', async () => {
    const run = runner.run(target(0, { user: 'plain' }), 'true', options);
    await assert.rejects(run, (error: unknown) => {
      code('failed', 'MACHINE_UNIDENTIFIED')(error);
      assert.match(String(error), /sudo/);
      return true;
    });
  });

  test('nobody at the address, and no SSH server there', async () => {
    const nobody = runner.run(target(0, { address: '10.9.0.77' }), 'true', {
      ...options,
      timeoutMs: 3_000,
    });
    await assert.rejects(
      nobody,
      (error) => error instanceof PortError && error.code === 'unreachable',
    );
    const closed = runner.run(target(0, { address: '10.9.0.1' }), 'true', options);
    await assert.rejects(closed, code('unreachable', 'SSH_FORWARD_REFUSED'));
  });

  test('a lost jump connection is made again at the next script', async () => {
    const { stdout } = await host.run({ script: 'echo $PPID', timeoutMs: 5_000 });
    const running = runner.run(target(0), 'sleep 20', options);
    const observed = assert.rejects(
      running,
      (error) => error instanceof PortError && error.code === 'timeout',
    );
    while (sessionsOf(guests[0]) === 0) await new Promise(setImmediate);
    await runner.run(target(0), 'true', options);
    jump.exec(['kill', '-9', stdout.trim()]);
    await observed;
    assert.equal((await runner.run(target(0), 'echo on', options)).stdout, 'on\n');
  });
});
