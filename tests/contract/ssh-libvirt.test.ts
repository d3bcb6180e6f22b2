// The whole remote way: the hypervisor driver on a private libvirtd, through a real sshd, as a
// user who is in the group libvirt and has nothing else. Cut in the middle, it goes on after.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Hypervisor, PortError } from '../../src/controllers/ports.ts';
import { createHypervisor } from '../../src/drivers/libvirt/hypervisor.ts';
import { HypervisorHost } from '../../src/drivers/ssh/hypervisor-host.ts';
import { generateEd25519 } from '../../src/drivers/ssh/keys.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { installation } from '../drivers/libvirt/specs.ts';
import { canStartSshd, type PrivateSshd, startSshd } from '../support/private-sshd.ts';
import { type HypervisorLab, openHypervisorLab } from './hypervisor-lab.ts';

const MEBIBYTE = 1024 * 1024;
const key = generateEd25519('bench');
const signal = AbortSignal.timeout(120_000);

for (const [way, config] of [
  ['forward', {}],
  ['helper', { AllowStreamLocalForwarding: 'no' }],
] as const) {
  describe(`libvirt over SSH (${way})`, { skip: canStartSshd() ?? false }, () => {
    let dir = '';
    let made: HypervisorLab;
    let sshd: PrivateSshd;
    let host: HypervisorHost;
    let remote: Hypervisor;

    before(async () => {
      dir = mkdtempSync(join(tmpdir(), 'remote-'));
      writeFileSync(join(dir, 'key'), key.privateKey, { mode: 0o600 });
      made = await openHypervisorLab();
      sshd = await startSshd({
        users: [{ name: 'bench', groups: ['libvirt'], authorizedKeys: [key.publicKey] }],
        config,
        inside: made.lab.pid,
      });
      const { port } = sshd;
      host = new HypervisorHost({
        target: { host: 'rhodey', port, user: 'bench', connectUri: 'qemu:///system' },
        identity: { kind: 'key-file', path: join(dir, 'key') },
        hostKeys: { kind: 'given', keys: [sshd.hostKey] },
        dial: () => sshd.dial(),
      });
      remote = createHypervisor({
        dial: host.dial,
        ...{ poolName: 'default', installation, clock: systemClock, log: createLog('silent') },
        reuseMs: 0,
      });
    });
    after(async () => {
      await remote?.close();
      await host?.close();
      await sshd?.stop();
      await made?.close();
      rmSync(dir, { recursive: true });
    });

    test('the same inventory as next to the daemon', async () => {
      assert.deepEqual(await remote.inventory(signal), await made.hypervisor.inventory(signal));
      assert.equal(host.route?.kind, way);
    });

    test('an upload arrives whole', async (context) => {
      const artifact = made.file('whole', 64 * MEBIBYTE);
      const began = performance.now();
      await remote.uploadArtifact(artifact, () => {}, signal);
      const seconds = (performance.now() - began) / 1000;
      context.diagnostic(`${(64 / seconds).toFixed(0)} MiB/s`);
      const { pool } = await made.hypervisor.inventory(signal);
      assert.ok(pool.volumes.some(({ name }) => name === artifact.volume));
    });

    test('an upload that is cut in the middle leaves nothing, and is made again', async () => {
      const artifact = made.file('cut', 48 * MEBIBYTE);
      const { stdout } = await host.run({ script: 'echo $PPID', timeoutMs: 5_000 });
      let cut = false;
      const upload = remote.uploadArtifact(
        artifact,
        (sent) => {
          if (cut || sent < 12 * MEBIBYTE) return;
          cut = true;
          sshd.exec(['kill', '-9', stdout.trim()]);
        },
        signal,
      );
      await assert.rejects(upload, (error) => error instanceof PortError);
      const seen = async () => (await made.hypervisor.inventory(signal)).pool.volumes;
      assert.ok((await seen()).every(({ name }) => name !== artifact.volume));
      await remote.uploadArtifact(artifact, () => {}, signal);
      assert.ok((await seen()).some(({ name }) => name === artifact.volume));
    });
  });
}
