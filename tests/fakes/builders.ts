/**
 * Values with defaults, so that a test shows only what matters to it. Objects pass through the
 * schemas, so what a builder gives is what a user could have written.
 */
import type { z } from 'zod';
import type { Identity } from '../../src/controllers/bench-cluster/desired.ts';
import type { ClusterRecord } from '../../src/controllers/ports.ts';
import { BenchCluster, type BenchClusterSpec } from '../../src/crd/bench-cluster.ts';
import { BenchHost } from '../../src/crd/bench-host.ts';
import { BenchImage } from '../../src/crd/bench-image.ts';
import { apiVersion } from '../../src/crd/field.ts';

export const identity: Identity = {
  installation: '6f0d2c1e-3b5a-4c7d-8e9f-000000000001',
  controllerKey: 'ssh-ed25519 AAAAcontroller',
};

type SpecInput = Partial<z.input<typeof BenchClusterSpec>>;
type PoolInput = z.input<typeof BenchClusterSpec>['workers'][number];

/** One head and a pool `compute` of two, on a managed network. */
export function clusterOf(
  input: { name?: string; namespace?: string; replicas?: number; pool?: Partial<PoolInput> } & {
    spec?: SpecInput;
  } = {},
): BenchCluster {
  const { name = 'alpha', namespace = 'default', replicas = 2, pool = {}, spec = {} } = input;
  return BenchCluster.parse({
    apiVersion,
    kind: 'BenchCluster',
    metadata: { name, namespace },
    spec: {
      scheduler: { slurm: {} },
      image: 'debian',
      network: { name: 'bench-net', managed: { cidr: '192.168.150.0/24' } },
      workers: [{ name: 'compute', replicas, ...pool }],
      ...spec,
    },
  });
}

/** A disk image with direct kernel boot, so that it is three artifacts. */
export function imageOf(name = 'debian', seed = 'a'): BenchImage {
  const file = (kind: string, letter: string) => ({
    path: `/images/${name}.${kind}`,
    sha256: letter.repeat(64),
  });
  return BenchImage.parse({
    apiVersion,
    kind: 'BenchImage',
    metadata: { name },
    spec: {
      source: file('qcow2', seed),
      boot: {
        kernel: file('vmlinuz', seed),
        initrd: file('initrd', seed),
        cmdline: 'root=/dev/vda',
      },
      provides: ['slurm'],
    },
  });
}

export function hostOf(name = 'rhodey', spec: Partial<z.input<typeof BenchHost>['spec']> = {}) {
  return BenchHost.parse({
    apiVersion,
    kind: 'BenchHost',
    metadata: { name },
    spec: { uri: `qemu+ssh://bench@${name}/system`, ...spec },
  });
}

export function recordOf(cluster = clusterOf(), more: Partial<ClusterRecord> = {}): ClusterRecord {
  return { cluster, images: [imageOf()], host: hostOf(), generation: 1, ...more };
}

/** An OpenSSH line of the right form; nobody has the other half. */
export function publicKey(seed: string): string {
  const type = 'ssh-ed25519';
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const blob = [field(Buffer.from(type)), field(Buffer.alloc(32, seed))];
  return `${type} ${Buffer.concat(blob).toString('base64')} test`;
}
