// The ways to libvirt's socket over a real sshd, as a user who is in the group libvirt, or is not.
// What stands behind the socket here only echoes: which way was taken is the question.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { SshError, SshHostKeyUnknown } from '../../src/drivers/ssh/error.ts';
import {
  HypervisorHost,
  type HypervisorHostOptions,
} from '../../src/drivers/ssh/hypervisor-host.ts';
import { parseHypervisorUri } from '../../src/drivers/ssh/hypervisor-uri.ts';
import { generateEd25519 } from '../../src/drivers/ssh/keys.ts';
import { LibvirtUnreachable } from '../../src/drivers/ssh/reach-error.ts';
import {
  canStartSshd,
  type PrivateSshd,
  type SshdOptions,
  startSshd,
} from '../support/private-sshd.ts';

const skip = canStartSshd() ?? false;
const key = generateEd25519('bench');
const users = [
  { name: 'bench', groups: ['libvirt'], authorizedKeys: [key.publicKey] },
  { name: 'outsider', authorizedKeys: [key.publicKey] },
];

describe('ways to libvirt', { skip }, () => {
  let dir = '';
  let keyFile = '';
  let libvirtDir = '';
  let libvirt: Server;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'hypervisor-'));
    keyFile = join(dir, 'key');
    writeFileSync(keyFile, key.privateKey, { mode: 0o600 });
    libvirtDir = mkdtempSync(join(tmpdir(), 'libvirt-'));
    chmodSync(libvirtDir, 0o755);
    libvirt = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    const socket = join(libvirtDir, 'libvirt-sock');
    await new Promise<void>((resolve) => libvirt.listen(socket, resolve));
  });
  after(() => {
    libvirt.close();
    for (const path of [dir, libvirtDir]) rmSync(path, { recursive: true });
  });

  async function withHost(
    options: Partial<SshdOptions>,
    use: (host: HypervisorHost, sshd: PrivateSshd) => Promise<void>,
    at: { user?: string; query?: string } = {},
    more: Partial<HypervisorHostOptions> = {},
  ): Promise<void> {
    const sshd = await startSshd({ users, libvirtDir, ...options });
    const group = Number(sshd.exec(['getent', 'group', 'libvirt']).split(':')[2]);
    const socket = join(libvirtDir, 'libvirt-sock');
    chownSync(socket, 0, group);
    chmodSync(socket, 0o660);
    const { user = 'bench', query = '' } = at;
    const host = new HypervisorHost({
      target: parseHypervisorUri(`qemu+ssh://${user}@127.0.0.1:${sshd.port}/system${query}`),
      identity: { kind: 'key-file', path: keyFile },
      hostKeys: { kind: 'given', keys: [sshd.hostKey] },
      name: 'rhodey',
      ...more,
    });
    try {
      await use(host, sshd);
    } finally {
      await host.close();
      await sshd.stop();
    }
  }

  async function answers(stream: Duplex): Promise<void> {
    stream.write('to libvirt and back');
    let text = '';
    for await (const chunk of stream) {
      text += String(chunk);
      if (text === 'to libvirt and back') stream.end();
    }
    assert.equal(text, 'to libvirt and back');
  }

  async function unreachable(host: HypervisorHost, hint: RegExp): Promise<void> {
    await assert.rejects(host.dialLibvirt(), (error) => {
      assert.ok(error instanceof LibvirtUnreachable, String(error));
      assert.match(error.hint, hint);
      return true;
    });
  }

  test('the socket is forwarded by sshd; all goes over one connection', () =>
    withHost({}, async (host, sshd) => {
      const socket = '/run/libvirt/libvirt-sock';
      await Promise.all([1, 2, 3].map(async () => answers(await host.dialLibvirt())));
      assert.deepEqual(host.route, { kind: 'forward', socket });
      assert.equal(sshd.log().match(/Accepted publickey/g)?.length, 1);
    }));

  test('a socket that the URI names is the one that is taken', () =>
    withHost(
      {},
      async (host) => {
        await answers(await host.dialLibvirt());
        assert.deepEqual(host.route, {
          kind: 'forward',
          socket: '/run/libvirt/../libvirt/libvirt-sock',
        });
      },
      { query: '?socket=/run/libvirt/../libvirt/libvirt-sock' },
    ));

  test('after a loss the next use makes a new connection', () =>
    withHost({}, async (host, sshd) => {
      const stream = await host.dialLibvirt();
      const lost = new Promise((resolve) => stream.once('error', resolve));
      const { stdout } = await host.run({ script: 'echo $PPID', timeoutMs: 5_000 });
      sshd.exec(['kill', '-9', stdout.trim()]);
      const error = await lost;
      assert.ok(error instanceof SshError && error.code === 'SSH_CONNECTION_LOST');
      await answers(await host.dialLibvirt());
    }));

  const forbidden = { config: { AllowStreamLocalForwarding: 'no' } };
  const helper = '/usr/bin/virt-ssh-helper';
  const netcat = '/usr/bin/nc';

  test('where sshd forbids that, the helper of libvirt relays', () =>
    withHost(forbidden, async (host) => {
      await answers(await host.dialLibvirt());
      assert.deepEqual(host.route, { kind: 'helper' });
      await answers(await host.dialLibvirt());
    }));

  test('where there is no helper, netcat relays', () =>
    withHost({ ...forbidden, hide: [helper] }, async (host) => {
      await answers(await host.dialLibvirt());
      const socket = '/run/libvirt/libvirt-sock';
      assert.deepEqual(host.route, { kind: 'netcat', socket, quits: true });
    }));

  test('where there is nothing, the error says what would help', () =>
    withHost({ ...forbidden, hide: [helper, netcat] }, (host) =>
      unreachable(host, /AllowStreamLocalForwarding yes.*virt-ssh-helper/),
    ));

  test('a user outside the group is told the command that lets him in', () =>
    withHost({}, (host) => unreachable(host, /sudo usermod -aG libvirt outsider/), {
      user: 'outsider',
    }));

  test('a host without libvirt is told as such', () =>
    withHost({ libvirtDir: dir }, (host) => unreachable(host, /install libvirt-daemon-system/)));

  test('a key that may only run the helper is enough', () => {
    const line = `restrict,command="virt-ssh-helper qemu:///system" ${key.publicKey}`;
    const restricted = { name: 'bench', groups: ['libvirt'], authorizedKeys: [line] };
    return withHost({ users: [restricted] }, async (host) => {
      await answers(await host.dialLibvirt());
      assert.deepEqual(host.route, { kind: 'helper' });
    });
  });

  test('a key that may only forward is enough, without any shell', () => {
    const line = `restrict,port-forwarding ${key.publicKey}`;
    const shell = '/usr/sbin/nologin';
    const restricted = { name: 'bench', groups: ['libvirt'], shell, authorizedKeys: [line] };
    return withHost({ users: [restricted] }, async (host) => {
      await answers(await host.dialLibvirt());
    });
  });

  test('a helper that fails tells why on its stream', () => {
    const line = `restrict,command="virt-ssh-helper qemu:///system" ${key.publicKey}`;
    const restricted = { name: 'bench', groups: ['libvirt'], authorizedKeys: [line] };
    return withHost({ users: [restricted], libvirtDir: dir }, async (host) => {
      const stream = await host.dialLibvirt();
      stream.resume();
      const error = await new Promise((resolve) => stream.once('error', resolve));
      assert.ok(error instanceof SshError && error.code === 'SSH_PROGRAM_FAILED', String(error));
      assert.match(error.message, /virt-ssh-helper: cannot connect/);
    });
  });

  test('a host that nobody pinned is refused with the command that pins it', async () => {
    const file = join(dir, 'known_hosts');
    await withHost(
      {},
      async (host) => {
        const error = await host.dialLibvirt().catch((thrown: unknown) => thrown);
        assert.ok(error instanceof SshHostKeyUnknown, String(error));
        execFileSync('sh', ['-c', error.pinCommand]);
        await answers(await host.dialLibvirt());
      },
      {},
      { hostKeys: { kind: 'known-hosts', file } },
    );
  });

  test('a key file that is not there is told with the command that makes it', () =>
    withHost(
      {},
      (host) =>
        assert.rejects(host.dialLibvirt(), (error) => {
          assert.ok(error instanceof SshError && error.code === 'SSH_IDENTITY_UNUSABLE');
          assert.match(error.hint, /ssh-keygen -t ed25519 -f/);
          return true;
        }),
      {},
      { identity: { kind: 'key-file', path: '/nonexistent/key' } },
    ));
});
