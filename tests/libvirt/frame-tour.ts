// A walk through the procedures on a real daemon, to have frames of as many as possible.
// What a driver cannot do is part of the tour: its error replies are recorded too.

import type { Connection } from '../../src/libvirt/connection.ts';
import { LibvirtError } from '../../src/libvirt/error.ts';
import {
  AddressSource,
  DomainCreate,
  DomainStats,
  NetworkUpdateCommand,
  NetworkUpdateSection,
} from '../../src/libvirt/flags.ts';

async function attempt(...calls: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(calls)) {
    if (outcome.status === 'fulfilled' || outcome.reason instanceof LibvirtError) continue;
    throw outcome.reason;
  }
}

async function host({ host }: Connection): Promise<void> {
  await attempt(host.type(), host.version(), host.libVersion(), host.hostname(), host.uri());
  await attempt(host.nodeInfo(), host.freeMemoryBytes(), host.maxVcpus('qemu'), host.supports(16));
  await attempt(host.memoryStats(), host.cpuStats(), host.capabilities());
  await attempt(host.domainCapabilities({ arch: 'x86_64', virtType: 'qemu' }));
}

export function domainXml(type: string, name: string): string {
  return `<domain type='${type}'><name>${name}</name><memory unit='MiB'>64</memory>
    <vcpu>1</vcpu><os><type arch='${type === 'test' ? 'i686' : 'x86_64'}'>hvm</type></os></domain>`;
}

async function domain(connection: Connection, type: string): Promise<void> {
  const { domains, details } = connection;
  const handle = await domains.define(domainXml(type, 'tour'));
  await attempt(domains.list(), domains.lookupByName('tour'), domains.lookupByUuid(handle.uuid));
  await attempt(domains.lookupByName('missing'), domains.lookupById(4711));
  await attempt(domains.setAutostart(handle, true), domains.autostart(handle));
  const element = { uri: 'urn:tour', key: 'tour', xml: '<a/>' };
  await details.setMetadata(handle, element);
  await attempt(details.metadata(handle, 'urn:tour'), details.metadata(handle, 'urn:none'));
  await details.removeMetadata(handle, element);
  await domains.create(handle, type === 'test' ? 0 : DomainCreate.paused);
  await attempt(domains.resume(handle));
  await attempt(domains.suspend(handle));
  await attempt(domains.resume(handle));
  await attempt(domains.state(handle), domains.info(handle), domains.xml(handle));
  await attempt(domains.isActive(handle), domains.isPersistent(handle));
  await attempt(domains.stats(DomainStats.state), domains.stats(DomainStats.vcpu, 0, [handle]));
  await attempt(domains.memoryStats(handle), domains.reset(handle), domains.reboot(handle));
  await attempt(details.interfaceAddresses(handle, AddressSource.lease));
  await attempt(details.vcpus(handle), details.setMemory(handle, 65_536), details.messages(handle));
  await attempt(details.setVcpus(handle, 1), details.hostname(handle), details.guestInfo(handle));
  await attempt(details.blockInfo(handle, 'vda'), details.blockStats(handle, 'vda'));
  await attempt(details.blockResize(handle, 'vda', 1), details.agentResponseTimeout(handle, 5));
  const device = `<disk type='file'><source file='/none'/><target dev='vdb'/></disk>`;
  await attempt(details.attachDevice(handle, device), details.detachDevice(handle, device));
  await attempt(details.updateDevice(handle, device), domains.abortJob(handle));
  await attempt(domains.shutdown(handle));
  await attempt(domains.destroy(handle));
  await attempt(domains.rename(handle, 'tour-renamed'));
  await attempt(domains.hasManagedSave(handle), domains.removeManagedSave(handle));
  await attempt(domains.undefine(handle));
  await attempt(domains.createXml(domainXml(type, 'transient')));
  const transient = await domains.lookupByName('transient');
  await domains.destroy(transient);
}

async function network({ networks }: Connection): Promise<void> {
  const xml = `<network><name>tour</name><bridge name='tourbr0'/>
    <ip address='192.0.2.1' netmask='255.255.255.0'>
    <dhcp><range start='192.0.2.10' end='192.0.2.20'/></dhcp></ip></network>`;
  const handle = await networks.define(xml);
  await attempt(networks.list(), networks.lookupByName('tour'), networks.lookupByUuid(handle.uuid));
  await attempt(networks.setAutostart(handle, true), networks.autostart(handle));
  await attempt(networks.create(handle), networks.xml(handle), networks.bridge(handle));
  await attempt(networks.isActive(handle), networks.isPersistent(handle), networks.leases(handle));
  const host = `<host mac='52:54:00:00:00:01' ip='192.0.2.11'/>`;
  const update = {
    command: NetworkUpdateCommand.addLast,
    section: NetworkUpdateSection.ipDhcpHost,
    xml: host,
  };
  await attempt(networks.update(handle, update), networks.update(handle, update));
  await attempt(networks.destroy(handle));
  await attempt(networks.undefine(handle));
  await attempt(networks.lookupByName('missing'));
  await attempt(networks.createXml(xml.replace('>tour<', '>passing<')));
  await attempt(networks.lookupByName('passing').then((it) => networks.destroy(it)));
}

async function storage({ pools, volumes }: Connection, folder: string): Promise<void> {
  const xml = `<pool type='dir'><name>tour</name>
    <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>
    <target><path>${folder}</path></target></pool>`;
  const pool = await pools.define(xml);
  await attempt(pools.build(pool));
  await pools.create(pool);
  await attempt(pools.list(), pools.lookupByName('tour'), pools.lookupByUuid(pool.uuid));
  await attempt(pools.lookupByTargetPath(folder), pools.setAutostart(pool, true));
  await attempt(pools.autostart(pool), pools.refresh(pool), pools.info(pool), pools.xml(pool));
  await attempt(pools.isActive(pool), pools.isPersistent(pool));
  const volumeXml = (name: string) =>
    `<volume><name>${name}</name><capacity>1048576</capacity></volume>`;
  const volume = await volumes.create(pool, volumeXml('v'));
  await attempt(volumes.create(pool, volumeXml('v')), volumes.list(pool), volumes.info(volume));
  await attempt(volumes.lookupByName(pool, 'v'), volumes.lookupByName(pool, 'missing'));
  await attempt(volumes.lookupByKey(volume.key), volumes.path(volume), volumes.xml(volume));
  await attempt(volumes.lookupByPath(volume.key), volumes.resize(volume, 2_097_152));
  await attempt(volumes.createFrom(pool, volumeXml('copy'), volume));
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(4096, 'x');
  }
  await attempt(volumes.upload(volume, bytes()));
  const drop = async (): Promise<void> => {
    for await (const _ of volumes.download(volume)) break;
  };
  await attempt(drop());
  for (const { name } of await volumes.list(pool)) {
    await attempt(volumes.delete({ pool: 'tour', name }));
  }
  await pools.destroy(pool);
  await attempt(pools.delete(pool));
  await pools.undefine(pool);
  await attempt(pools.lookupByName('missing'));
  await attempt(pools.createXml(xml));
  await attempt(pools.lookupByName('tour').then((it) => pools.destroy(it)));
}

export async function testDriverTour(connection: Connection): Promise<void> {
  await host(connection);
  await domain(connection, 'test');
  await network(connection);
  await storage(connection, '/tour');
}

export async function qemuTour(connection: Connection): Promise<void> {
  await host(connection);
  await domain(connection, 'qemu');
  await network(connection);
  await storage(connection, '/var/lib/libvirt/tour');
}

/** A guest with an agent channel that nobody answers on. */
export async function agentTour(connection: Connection): Promise<void> {
  const channel = `<devices><channel type='unix'>
    <target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices></domain>`;
  const xml = domainXml('qemu', 'agent').replace('</domain>', channel);
  const handle = await connection.domains.define(xml);
  await connection.domains.create(handle);
  await attempt(connection.agent.command(handle, '{"execute":"guest-ping"}'));
  await connection.domains.destroy(handle);
  await connection.domains.undefine(handle);
}
