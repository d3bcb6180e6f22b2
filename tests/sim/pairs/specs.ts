/**
 * Forty manifests of one cluster, each a variation of the first, as the text that a person would
 * have written and as the loader reads it. Between them they change every field that may be edited,
 * and the ones that may not.
 */
import { stringify } from 'yaml';
import type { z } from 'zod';
import type { BenchCluster, BenchClusterSpec } from '../../../src/crd/bench-cluster.ts';
import { apiVersion } from '../../../src/crd/field.ts';
import { load } from '../../../src/crd/load.ts';
import { publicKey } from '../../fakes/builders.ts';

type SpecInput = z.input<typeof BenchClusterSpec>;
type PoolInput = SpecInput['workers'][number];

/** What is said otherwise than in the base. */
interface Variation extends Partial<SpecInput> {
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
}

export const clusterName = 'alpha';
/** A network that is there and belongs to nobody that the controller knows. */
export const labNetwork = { name: 'lab-net', uuid: '00000000-0000-4000-8000-00000000aaaa' };

const base: SpecInput = {
  scheduler: { slurm: {} },
  image: 'debian',
  network: { name: 'bench-net', managed: { cidr: '192.168.150.0/24' } },
  workers: [pool()],
};

function pool(more: Partial<PoolInput> = {}): PoolInput {
  return { name: 'compute', replicas: 2, ...more };
}

function slurm(config: Record<string, string | number>): Variation {
  return { scheduler: { slurm: { config } } };
}

const keys = [publicKey('ada'), publicKey('grace')];

const variations: Record<string, Variation> = {
  base: {},
  'no worker': { workers: [pool({ replicas: 0 })] },
  'one worker': { workers: [pool({ replicas: 1 })] },
  'three workers': { workers: [pool({ replicas: 3 })] },
  'four workers': { workers: [pool({ replicas: 4 })] },
  'no pool': { workers: [] },
  'two pools': { workers: [pool(), { name: 'gpu', replicas: 1 }] },
  'two pools in the other order': { workers: [{ name: 'gpu', replicas: 1 }, pool()] },
  'three pools': {
    workers: [pool({ replicas: 1 }), { name: 'gpu', replicas: 1 }, { name: 'big', replicas: 1 }],
  },
  'a pool of another name': { workers: [pool({ name: 'batch' })] },
  'another cluster image': { image: 'other' },
  'another pool image': { workers: [pool({ image: 'other' })] },
  'another head image': { controlPlane: { image: 'other' } },
  'more memory': { workers: [pool({ memory: '2Gi' })] },
  'more cpus': { workers: [pool({ cpus: 2 })] },
  'a larger disk': { workers: [pool({ disk: '16Gi' })] },
  'all smaller': { workers: [pool({ replicas: 1, memory: '512Mi', disk: '4Gi' })] },
  'a head with more memory': { controlPlane: { memory: '2Gi' } },
  'a head with more cpus': { controlPlane: { cpus: 2 } },
  'a head with a larger disk': { controlPlane: { disk: '16Gi' } },
  'more in the logs': slurm({ SlurmctldDebug: 'debug', SlurmdDebug: 'debug' }),
  'another scheduler type': slurm({ SchedulerType: 'sched/builtin' }),
  'another MPI': slurm({ MpiDefault: 'pmi2' }),
  'longer timeouts': slurm({ SlurmdTimeout: 300, MessageTimeout: 60 }),
  'drains by force': { workers: [pool({ drain: { timeout: '30s', onTimeout: 'Force' } })] },
  'drains without end': { workers: [pool({ drain: { timeout: '24h' } })] },
  'a stand-in': {
    workers: [pool({ memory: '1536Mi', rollout: { maxUnavailable: 0, maxSurge: 1 } })],
  },
  'two at a time': { workers: [pool({ replicas: 3, cpus: 3, rollout: { maxUnavailable: 2 } })] },
  'a key': { access: { authorizedKeys: keys.slice(0, 1) } },
  'two keys': { access: { authorizedKeys: keys } },
  paused: { paused: true, workers: [pool({ replicas: 3 })] },
  'paused by its annotation': {
    annotations: { 'benchcluster.io/paused': 'true' },
    workers: [pool({ cpus: 4 })],
  },
  protected: { annotations: { 'benchcluster.io/protect': 'true' } },
  labelled: { labels: { team: 'storage' }, annotations: { 'benchcluster.io/reconcile': 'once' } },
  'much at once': {
    image: 'other',
    controlPlane: { memory: '2Gi', cpus: 2 },
    access: { authorizedKeys: keys.slice(1) },
    workers: [
      pool({ memory: '2Gi', drain: { timeout: '1m', onTimeout: 'Force' } }),
      { name: 'debug', replicas: 1, image: 'debian', disk: '10Gi' },
    ],
    ...slurm({ SchedulerType: 'sched/builtin', SlurmctldDebug: 'debug2' }),
  },
  'another network': { network: { name: 'new-net', managed: { cidr: '192.168.160.0/24' } } },
  'another subnet': { network: { name: 'bench-net', managed: { cidr: '192.168.150.0/25' } } },
  isolated: {
    network: { name: 'bench-net', managed: { cidr: '192.168.150.0/24', forward: 'none' } },
  },
  'a network of others': { network: { name: labNetwork.name } },
  placed: { placement: { hosts: ['rhodey'] } },
};

export const names = Object.keys(variations);

export function textOf(name: string): string {
  const { labels, annotations, ...spec } = variations[name] ?? {};
  const metadata = {
    name: clusterName,
    ...(labels && { labels }),
    ...(annotations && { annotations }),
  };
  const kind = 'BenchCluster';
  return stringify({ apiVersion, kind, metadata, spec: { ...base, ...spec } });
}

const loaded = new Map<string, BenchCluster>();

/** As the loader reads it; fails with its faults. */
export function clusterNamed(name: string): BenchCluster {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  if (!names.includes(name)) throw new RangeError(`no spec "${name}"; there are ${names.join()}`);
  const { manifests, faults } = load(`${name}.yaml`, textOf(name));
  const [manifest] = manifests;
  if (manifest?.kind !== 'BenchCluster' || faults.length > 0) {
    throw new Error(`"${name}" is not valid: ${JSON.stringify(faults)}`);
  }
  loaded.set(name, manifest.object);
  return manifest.object;
}
