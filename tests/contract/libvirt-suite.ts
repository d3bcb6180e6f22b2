// What must hold on every driver of a real libvirtd: the same suite runs on `test:///default` and
// on QEMU with guests that have no OS.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Lab } from '../../lab/lab.ts';
import { type Connection, connect } from '../../src/libvirt/connection.ts';
import { dialUnix } from '../../src/libvirt/dial.ts';
import {
  ConnectionLost,
  isAbsent,
  isConflict,
  isSpecFault,
  isStateRace,
  isUnsupported,
  LibvirtError,
} from '../../src/libvirt/error.ts';
import { type EventKind, eventKinds, type LibvirtEvent } from '../../src/libvirt/events.ts';
import { AddressSource, DomainStats } from '../../src/libvirt/flags.ts';

export interface SuiteDriver {
  readonly name: string;
  readonly domainType: string;
  readonly arch: string;
  readonly hypervisor: string;
  /** false: it does not have the states of all domains in one call. */
  readonly bulkState?: boolean;
}

/** libvirt's own world in memory, served over the same protocol by every daemon. */
export const testDriver: SuiteDriver = {
  name: 'test:///default',
  domainType: 'test',
  arch: 'i686',
  hypervisor: 'TEST',
};

/** Remembers events and hands out the first that fits, past or future, within a bound. */
export class EventLog {
  readonly #seen: LibvirtEvent[] = [];
  readonly #watchers = new Set<() => void>();

  readonly add = (event: LibvirtEvent): void => {
    this.#seen.push(event);
    for (const wake of this.#watchers) wake();
  };

  clear(): void {
    this.#seen.length = 0;
  }

  async first(kind: EventKind, change?: string, timeoutMs = 20_000): Promise<LibvirtEvent> {
    const signal = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const found = this.#seen.find(
        (it) =>
          it.kind === kind && (change === undefined || ('change' in it && it.change === change)),
      );
      if (found) return found;
      await new Promise<void>((resolve, reject) => {
        const wake = (): void => {
          this.#watchers.delete(wake);
          resolve();
        };
        this.#watchers.add(wake);
        const seen = () => JSON.stringify(this.#seen.map((it) => it.kind));
        signal.onabort = () => reject(new Error(`no ${kind} ${change ?? ''}; seen: ${seen()}`));
      });
    }
  }
}

export function outcome(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'succeeded',
    (error: unknown) => error,
  );
}

export function libvirtSuite(driver: SuiteDriver, lab: () => Lab): void {
  let connection: Connection;
  const events = new EventLog();
  const domainXml = (name: string): string =>
    `<domain type='${driver.domainType}'><name>${name}</name><memory unit='MiB'>64</memory>
      <vcpu>1</vcpu><os><type arch='${driver.arch}'>hvm</type></os></domain>`;

  before(async () => {
    const dial = dialUnix(lab().socket);
    connection = await connect({ dial, name: driver.name, onEvent: events.add });
    assert.deepEqual(await connection.subscribe(eventKinds), []);
  });
  after(() => connection?.close());

  describe('the host', () => {
    it('says what it is', async () => {
      const { host } = connection;
      assert.equal(await host.type(), driver.hypervisor);
      assert.equal(await host.uri(), driver.name);
      assert.ok((await host.libVersion()) >= 6_000_000);
      assert.notEqual(await host.hostname(), '');
      assert.ok((await host.nodeInfo()).cpus > 0);
      assert.match(await host.capabilities(), /^<capabilities>/);
    });
  });

  describe('a domain', () => {
    it('goes through its life, and says so by events', async () => {
      const { domains } = connection;
      events.clear();
      const domain = await domains.define(domainXml('life'));
      assert.equal(domain.name, 'life');
      assert.equal(domain.id, -1);
      await events.first('domain-lifecycle', 'defined');
      assert.equal((await domains.state(domain)).state, 'shutoff');
      const started = await domains.create(domain);
      assert.ok(started.id > 0);
      await events.first('domain-lifecycle', 'started');
      assert.equal((await domains.state(domain)).state, 'running');
      await domains.suspend(domain);
      await events.first('domain-lifecycle', 'suspended');
      assert.equal((await domains.state(domain)).state, 'paused');
      await domains.resume(domain);
      await events.first('domain-lifecycle', 'resumed');
      assert.equal(await domains.isActive(domain), true);
      assert.equal((await domains.info(domain)).maxMemoryKib, 65_536);
      await domains.destroy(domain);
      await events.first('domain-lifecycle', 'stopped');
      await domains.undefine(domain);
      const last = await events.first('domain-lifecycle', 'undefined');
      assert.ok(last.kind === 'domain-lifecycle' && last.domain.uuid === domain.uuid);
      assert.ok(isAbsent(await outcome(domains.lookupByUuid(domain.uuid))));
      assert.ok(isAbsent(await outcome(domains.destroy(domain))));
    });

    it('is found by name, uuid and listing, with its state in bulk', async () => {
      const { domains } = connection;
      const defined = await Promise.all(
        ['bulk-a', 'bulk-b', 'bulk-c', 'bulk-d', 'bulk-e'].map((it) =>
          domains.define(domainXml(it)),
        ),
      );
      const listed = await domains.list();
      const stats = await outcome(domains.stats(DomainStats.state));
      assert.equal(isUnsupported(stats), driver.bulkState === false, String(stats));
      for (const domain of defined) {
        assert.deepEqual(await domains.lookupByName(domain.name), domain);
        assert.deepEqual(await domains.lookupByUuid(domain.uuid), domain);
        assert.ok(listed.some((it) => it.uuid === domain.uuid));
        if (!Array.isArray(stats)) continue;
        const record = stats.find((it) => it.domain.uuid === domain.uuid);
        assert.equal(record?.values.get('state.state'), 5);
      }
      await Promise.all(defined.map((it) => domains.undefine(it)));
    });

    it('carries metadata, autostart and its XML', async () => {
      const { domains, details } = connection;
      const domain = await domains.define(domainXml('meta'));
      const element = { uri: 'urn:contract', key: 'c', xml: '<owner name="ä &amp; ö"/>' };
      assert.ok(isAbsent(await outcome(details.metadata(domain, element.uri))));
      events.clear();
      await details.setMetadata(domain, element);
      const event = await events.first('domain-metadata-change');
      assert.ok(event.kind === 'domain-metadata-change' && event.uri === element.uri);
      // libvirt writes its own form of the same XML.
      const found = await details.metadata(domain, element.uri);
      assert.match(found, /name="(ä|&#xE4;) &amp; (ö|&#xF6;)"/);
      assert.match(await domains.xml(domain), /urn:contract/);
      await details.removeMetadata(domain, element);
      assert.ok(isAbsent(await outcome(details.metadata(domain, element.uri))));
      assert.equal(await domains.autostart(domain), false);
      await domains.setAutostart(domain, true);
      assert.equal(await domains.autostart(domain), true);
      assert.equal(await domains.isPersistent(domain), true);
      await domains.undefine(domain);
    });

    it('has no addresses while nothing leases any', async () => {
      const { domains, details } = connection;
      const domain = await domains.define(domainXml('addresses'));
      await domains.create(domain);
      assert.deepEqual(await details.interfaceAddresses(domain, AddressSource.lease), []);
      await domains.destroy(domain);
      await domains.undefine(domain);
    });

    it('of a name that another uuid has is a conflict; bad XML is a fault of the spec', async () => {
      const { domains } = connection;
      const domain = await domains.define(domainXml('twice'));
      const other = domainXml('twice').replace(
        '<memory',
        '<uuid>00112233-4455-6677-8899-aabbccddeeff</uuid><memory',
      );
      assert.ok(isConflict(await outcome(domains.define(other))));
      assert.ok(isSpecFault(await outcome(domains.define('<domain'))));
      await domains.undefine(domain);
    });
  });

  describe('a network', () => {
    it('goes through its life, takes a host entry, and says so by events', async () => {
      const { networks } = connection;
      events.clear();
      const network = await networks.define(`<network><name>contract</name>
        <bridge name='contractbr'/><ip address='192.0.2.1' netmask='255.255.255.0'>
        <dhcp><range start='192.0.2.10' end='192.0.2.20'/></dhcp></ip></network>`);
      await events.first('network-lifecycle', 'defined');
      await networks.create(network);
      await events.first('network-lifecycle', 'started');
      assert.equal(await networks.isActive(network), true);
      assert.equal(await networks.bridge(network), 'contractbr');
      assert.deepEqual(await networks.lookupByName('contract'), network);
      assert.ok((await networks.list()).some((it) => it.uuid === network.uuid));
      const xml = `<host mac='52:54:00:00:00:01' ip='192.0.2.11'/>`;
      await networks.update(network, { command: 3, section: 4, xml });
      assert.match(await networks.xml(network), /52:54:00:00:00:01/);
      await networks.setAutostart(network, true);
      assert.equal(await networks.autostart(network), true);
      await networks.destroy(network);
      await networks.undefine(network);
      await events.first('network-lifecycle', 'undefined');
      assert.ok(isAbsent(await outcome(networks.lookupByUuid(network.uuid))));
    });
  });

  describe('a pool and its volumes', () => {
    it('go through their lives, and say so by events', async () => {
      const { pools, volumes } = connection;
      events.clear();
      const pool = await pools.define(`<pool type='dir'><name>contract</name>
        <target><path>/var/lib/libvirt/contract</path></target></pool>`);
      await events.first('pool-lifecycle', 'defined');
      await pools.build(pool);
      await pools.create(pool);
      await events.first('pool-lifecycle', 'started');
      assert.equal((await pools.info(pool)).state, 'running');
      assert.ok(isStateRace(await outcome(pools.create(pool))));
      await pools.refresh(pool);
      await events.first('pool-refresh');
      const xml = `<volume><name>v</name><capacity unit='KiB'>1024</capacity></volume>`;
      const volume = await volumes.create(pool, xml);
      assert.deepEqual([volume.pool, volume.name], ['contract', 'v']);
      assert.ok(isConflict(await outcome(volumes.create(pool, xml))));
      assert.deepEqual(await volumes.list(pool), [volume]);
      assert.deepEqual(await volumes.lookupByName(pool, 'v'), volume);
      assert.equal((await volumes.info(volume)).capacityBytes, 1_048_576);
      assert.equal(await volumes.path(volume), '/var/lib/libvirt/contract/v');
      assert.match(await volumes.xml(volume), /<name>v<\/name>/);
      await volumes.delete(volume);
      assert.ok(isAbsent(await outcome(volumes.delete(volume))));
      await pools.destroy(pool);
      await pools.undefine(pool);
      await events.first('pool-lifecycle', 'undefined');
      assert.ok(isAbsent(await outcome(pools.lookupByName('contract'))));
    });
  });

  describe('the connection', () => {
    it('carries many calls at once and fails none', async () => {
      const names = await Promise.all(
        Array.from({ length: 500 }, () => connection.host.hostname()),
      );
      assert.equal(new Set(names).size, 1);
    });

    it('ends typed for the open calls when it is closed', async () => {
      const other = await connect({ dial: dialUnix(lab().socket), name: driver.name });
      const call = outcome(other.host.hostname());
      other.close();
      assert.ok((await call) instanceof ConnectionLost);
      assert.equal((await other.closed).reason, 'closed');
    });

    it('opened read-only can look and not touch', async () => {
      const dial = dialUnix(lab().socket);
      using reader = await connect({ dial, name: driver.name, readOnly: true });
      assert.ok(Array.isArray(await reader.domains.list()));
      await assert.rejects(reader.domains.define(domainXml('no')), { code: 'OPERATION_DENIED' });
    });

    it('of a name that the daemon does not know is refused', async () => {
      const dial = dialUnix(lab().socket);
      const error = await outcome(connect({ dial, name: 'nonsense:///x' }));
      // Before 7.1 a daemon looks for a daemon of that driver, and tells that it is not there.
      assert.ok(error instanceof LibvirtError, String(error));
      assert.match(error.code, /^(NO_CONNECT|SYSTEM_ERROR)$/);
    });
  });
}
