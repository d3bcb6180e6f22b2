// What must hold of a real libvirtd with QEMU in software emulation, with guests that have no OS:
// the suite of all drivers, and what only QEMU can do.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Lab } from '../../lab/lab.ts';
import { type Connection, connect } from '../../src/libvirt/connection.ts';
import { dialUnix } from '../../src/libvirt/dial.ts';
import { ConnectionLost, isRetryable, isStateRace, LibvirtError } from '../../src/libvirt/error.ts';
import type { FoundVolume, PoolHandle } from '../../src/libvirt/procedures/handle.ts';
import { libvirtSuite, outcome } from './libvirt-suite.ts';

const MIB = 1_048_576;
const driver = {
  name: 'qemu:///system',
  domainType: 'qemu',
  arch: 'x86_64',
  hypervisor: 'QEMU',
};

/** `dies`: this daemon does not outlive an upload for which there is no room (libvirt 11.3). */
export function qemuSuite(lab: () => Lab, { dies = false }: { dies?: boolean } = {}): void {
  libvirtSuite(driver, lab);

  describe('streams', () => {
    let connection: Connection;
    let pool: PoolHandle;
    let volume: FoundVolume;
    const data = randomBytes(24 * MIB + 12_345);
    const digest = createHash('sha256').update(data).digest('hex');

    before(async () => {
      connection = await connect({ dial: dialUnix(lab().socket), name: driver.name });
      pool = await connection.pools.createXml(
        `<pool type='dir'><name>streams</name>
          <target><path>/var/lib/libvirt/streams</path></target></pool>`,
        1,
      );
      const xml = `<volume><name>data</name><capacity>${data.length}</capacity></volume>`;
      volume = await connection.volumes.create(pool, xml);
    });
    after(() => connection?.close());

    async function* pieces(size: number): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
    }

    it('carry a volume up and down to the same digest, with calls in between', async () => {
      for (const size of [65_536, 1_000_003]) {
        const seen: number[] = [];
        const upload = connection.volumes.upload(volume, pieces(size), {
          length: data.length,
          onProgress: (bytes) => seen.push(bytes),
        });
        const hostnames = await Promise.all([1, 2, 3].map(() => connection.host.hostname()));
        assert.equal(new Set(hostnames).size, 1);
        assert.equal(await upload, data.length);
        assert.equal(seen.at(-1), data.length);
        const hash = createHash('sha256');
        for await (const bytes of connection.volumes.download(volume)) hash.update(bytes);
        assert.equal(hash.digest('hex'), digest);
      }
    });

    it('carry a range', async () => {
      const range: Buffer[] = [];
      const options = { offset: 1000, length: 70_000 };
      for await (const bytes of connection.volumes.download(volume, options)) range.push(bytes);
      assert.deepEqual(Buffer.concat(range), data.subarray(1000, 71_000));
    });

    it('fail past the length limit before the daemon has to, and the connection goes on', async () => {
      const limited = connection.volumes.upload(volume, pieces(65_536), { length: MIB - 1 });
      await assert.rejects(limited, { code: 'INVALID_ARGUMENT' });
      assert.notEqual(await connection.host.hostname(), '');
    });

    it('left early or cancelled leave a daemon that goes on', async () => {
      for await (const bytes of connection.volumes.download(volume)) {
        assert.ok(bytes.length > 0);
        break;
      }
      const controller = new AbortController();
      const upload = connection.volumes.upload(volume, pieces(65_536), {
        signal: controller.signal,
        onProgress: (bytes) => bytes > 4 * MIB && controller.abort(),
      });
      await assert.rejects(upload, { code: 'CANCELLED' });
      assert.equal((await connection.volumes.info(volume)).capacityBytes, data.length);
    });

    it('held up by a slow reader deliver everything in the end', async () => {
      const hash = createHash('sha256');
      let count = 0;
      for await (const bytes of connection.volumes.download(volume)) {
        hash.update(bytes);
        count += 1;
        if (count % 40 === 0) await new Promise((done) => setTimeout(done, 20));
      }
      // The limited and the cancelled upload wrote the same bytes again.
      assert.equal(hash.digest('hex'), digest);
    });

    it('fail typed on a full disk', async () => {
      const folder = '/var/lib/libvirt/full';
      await lab().exec(['mkdir', folder]);
      await lab().exec(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]);
      using other = await connect({ dial: dialUnix(lab().socket), name: driver.name });
      const full = await other.pools.createXml(
        `<pool type='dir'><name>full</name><target><path>${folder}</path></target></pool>`,
      );
      const xml = `<volume><name>v</name><capacity>${data.length}</capacity>
        <allocation>0</allocation></volume>`;
      const large = await other.volumes.create(full, xml);
      const error = await outcome(other.volumes.upload(large, pieces(65_536)));
      if (dies) {
        assert.ok(error instanceof ConnectionLost, String(error));
        await lab()
          .killDaemon({ kill: true })
          .catch(() => undefined);
        await lab().startDaemon();
        return;
      }
      assert.ok(error instanceof LibvirtError, String(error));
      assert.deepEqual([error.code, error.errno], ['SYSTEM_ERROR', 28]);
      assert.notEqual(await other.host.hostname(), '');
    });

    it('end with the daemon, typed', async () => {
      const dial = dialUnix(lab().socket);
      const doomed = await connect({ dial, name: driver.name });
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (;;) yield data.subarray(0, 65_536);
      }
      let begun: () => void = () => undefined;
      const running = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const upload = doomed.volumes.upload(volume, endless(), {
        length: 100_000 * MIB,
        onProgress: (bytes) => bytes > MIB && begun(),
      });
      const failed = assert.rejects(upload, { code: 'CONNECTION_LOST', sent: true });
      await running;
      await lab().restartDaemon({ kill: true });
      await failed;
      assert.equal((await doomed.closed).code, 'CONNECTION_LOST');
    });
  });

  describe('guests', () => {
    it('without an agent say so, and a slow call leaves the fast ones alone', async () => {
      using connection = await connect({ dial: dialUnix(lab().socket), name: driver.name });
      const { domains, agent } = connection;
      const domain = await domains.define(`<domain type='qemu'><name>agent</name>
        <memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os>
        <devices><channel type='unix'>
        <target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices></domain>`);
      await domains.create(domain);
      assert.ok(isStateRace(await outcome(domains.create(domain))));
      const command = outcome(agent.command(domain, '{"execute":"guest-ping"}'));
      const began = performance.now();
      assert.equal((await domains.state(domain)).state, 'running');
      assert.ok(performance.now() - began < 2_000);
      const error = await command;
      assert.ok(isRetryable(error), String(error));
      assert.ok(error instanceof LibvirtError && error.code === 'AGENT_UNRESPONSIVE');
      await domains.destroy(domain);
      await domains.undefine(domain);
    });

    it('have domain capabilities and memory figures', async () => {
      using connection = await connect({ dial: dialUnix(lab().socket), name: driver.name });
      const { host } = connection;
      assert.match(await host.domainCapabilities({ arch: 'x86_64' }), /<domainCapabilities>/);
      assert.ok(((await host.memoryStats()).get('total') ?? 0) > 0);
      assert.ok((await host.cpuStats()).has('idle'));
    });
  });
}
