/** Where an image is booted for its check: a libvirt by our own client, its guest by our own SSH. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { unlessAbsent } from '../drivers/libvirt/absent.ts';
import { readDomainTypes } from '../drivers/libvirt/read-host.ts';
import { renderOverlay, renderRawVolume } from '../drivers/libvirt/volume-xml.ts';
import { SshConnection } from '../drivers/ssh/connection.ts';
import { generateEd25519, parsePublicKey } from '../drivers/ssh/keys.ts';
import type { TrialHost } from '../image/trial-host.ts';
import { Client } from '../libvirt/client.ts';
import type { Dial } from '../libvirt/dial.ts';
import type { VolumeHandle } from '../libvirt/procedures/handle.ts';

export interface TrialHostOptions {
  dial: Dial;
  /** A stream to a port of a guest on the host. */
  dialGuest(address: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /** The storage pool for the volumes of the check. */
  pool: string;
  /** Default: what the host offers best. */
  domainType?: 'kvm' | 'qemu';
}

const uploadChunkBytes = 1024 * 1024;
const connectMs = 15_000;

/** Closing it ends its connection and removes nothing. */
export function openTrialHost(options: TrialHostOptions): TrialHost & { close(): Promise<void> } {
  const client = new Client({ dial: options.dial, name: 'qemu:///system' });
  client.start();
  const { domains, networks, volumes } = client;
  const key = generateEd25519('image-verify');
  const volume = (name: string): VolumeHandle => ({ pool: options.pool, name });
  const create = async (name: string, xml: string, signal?: AbortSignal): Promise<string> => {
    const pool = await client.pools.lookupByName(options.pool, { signal });
    await volumes.create(pool, xml, 0, { signal });
    return volumes.path(volume(name), { signal });
  };
  return {
    publicKey: key.publicKey,
    async domainType(signal) {
      if (options.domainType) return options.domainType;
      const [best] = readDomainTypes(await client.host.capabilities({ signal }));
      if (best === undefined) throw new Error('the host runs no x86-64 guests');
      return best;
    },
    async createNetwork(xml, signal) {
      await networks.createXml(xml, { signal });
    },
    async removeNetwork(name) {
      const network = await unlessAbsent(networks.lookupByName(name));
      if (network) await unlessAbsent(networks.destroy(network));
    },
    async upload(name, file, signal) {
      const { size: bytes } = await stat(file);
      const path = await create(name, renderRawVolume({ name, bytes }), signal);
      const source = createReadStream(file, { highWaterMark: uploadChunkBytes });
      await volumes.upload(volume(name), source, { length: bytes, ...(signal && { signal }) });
      return path;
    },
    createDisk: (name, { bytes, backingPath }, signal) =>
      create(name, renderOverlay({ name, capacityBytes: bytes, backingPath }), signal),
    async removeVolume(name) {
      await unlessAbsent(volumes.delete(volume(name)));
    },
    async createDomain(xml, signal) {
      await domains.createXml(xml, 0, { signal });
    },
    async removeDomain(uuid) {
      await unlessAbsent(domains.destroy({ name: uuid, uuid }));
    },
    async lease(name, mac, signal) {
      const network = await networks.lookupByName(name, { signal });
      const leases = await networks.leases(network, mac, { signal });
      const newest = leases
        .filter(({ family }) => family === 'ipv4')
        .toSorted((a, b) => b.expirySeconds - a.expirySeconds)[0];
      return newest && { address: newest.address, clientId: newest.clientId ?? '' };
    },
    async agent(uuid, command, signal) {
      const domain = { name: uuid, uuid };
      const answer = await client.agent.command(domain, JSON.stringify(command), {
        ...(signal && { signal }),
      });
      const parsed: unknown = JSON.parse(answer);
      if (typeof parsed === 'object' && parsed !== null && 'return' in parsed) return parsed.return;
      throw new Error('the guest agent gave no result');
    },
    async run({ address, hostKey }, script, { timeoutMs, signal = new AbortController().signal }) {
      const connection = await SshConnection.connect({
        endpoint: { host: address, port: 22, user: 'root', name: `the guest at ${address}` },
        identity: { kind: 'key', privateKey: Buffer.from(key.privateKey), name: 'fresh key' },
        pin: { keys: [parsePublicKey(hostKey, 'the host key of the guest')], revoked: [] },
        stream: await options.dialGuest(address, 22, signal),
        timeoutMs: connectMs,
        signal,
      });
      try {
        return await connection.run({ script, timeoutMs, signal });
      } finally {
        await connection.close();
      }
    },
    close: () => client.close(),
  };
}
