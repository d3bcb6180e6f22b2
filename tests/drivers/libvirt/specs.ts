/** Requests for tests: one domain and one network, of which a test says only what matters to it. */
import type { DomainSpec, NetworkSpec, OwnerMark } from '../../../src/controllers/ports.ts';
import { macOf, uuid5 } from '../../../src/lib/hash.ts';

export const installation = '11f2a8c6-9c0f-4a2e-8a50-0a4a5c0f3b11';

export function ownerOf(pool: string, index: number, specHash = 'c0ffee00c0ffee00'): OwnerMark {
  const clusterUid = uuid5(installation, 'cluster/default/slurm-a');
  const image = 'debian-slurm@0123456789ab';
  const cluster = { namespace: 'default', cluster: 'slurm-a' };
  return { installation, node: { clusterUid, ...cluster, pool, index, specHash, image } };
}

export function domainSpec(index: number, changes: Partial<DomainSpec> = {}): DomainSpec {
  const name = `slurm-a-compute-${index}`;
  const uuid = uuid5(installation, name);
  return {
    name,
    uuid,
    type: 'qemu',
    cpus: 1,
    memoryBytes: 64 * 2 ** 20,
    volume: `${name}-${uuid.slice(0, 8)}.qcow2`,
    network: 'bench-net',
    mac: macOf(uuid),
    authorizedKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbc bench', 'ssh-ed25519 AAAA2 me'],
    owner: ownerOf('compute', index),
    ...changes,
  };
}

export function networkSpec(changes: Partial<NetworkSpec> = {}): NetworkSpec {
  const name = changes.name ?? 'bench-net';
  return {
    name,
    uuid: uuid5(installation, `network/${name}`),
    cidr: '192.168.150.0/24',
    forward: 'none',
    owner: { installation },
    ...changes,
  };
}
