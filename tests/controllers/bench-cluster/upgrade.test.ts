/**
 * What a new version of the controller must not change by itself: the digests by which it knows that
 * a machine, or what is in it, is as it should be. Whoever upgrades has machines with these in their
 * marks and guests. There is no version of the spec that a user could opt in to.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { desiredCluster } from '../../../src/controllers/bench-cluster/desired.ts';
import type { ClusterRecord } from '../../../src/controllers/ports.ts';
import { joinDigest, startDigests } from '../../../src/controllers/schedulers/slurm/render.ts';
import { BenchImage } from '../../../src/crd/bench-image.ts';
import { digestOf } from '../../../src/lib/hash.ts';
import { clusterOf, hostOf, identity, imageOf, publicKey, recordOf } from '../../fakes/builders.ts';

const howTo =
  'If that is not meant, leave what is digested as it was, defaults of the schema with it: a value ' +
  'that is new in it must be undefined where things are as before, because what is undefined is ' +
  'left out. If it is meant, say so in CHANGELOG.md in these words, and write the new digest here.';

const replaces =
  'an upgrade would drain and replace every worker of every user, pool by pool, and call every ' +
  `head HeadOutdated until its cluster is deleted and applied anew. ${howTo}`;

const withOptions = recordOf(
  clusterOf({
    pool: { cpus: 4, memory: '8Gi', disk: '20Gi', image: 'bare', drain: { timeout: '1h' } },
    spec: {
      controlPlane: { cpus: 2, memory: '4Gi', disk: '16Gi' },
      access: { authorizedKeys: [publicKey('x')] },
    },
  }),
  { images: [imageOf(), withoutBoot()], host: hostOf('rhodey', { domainType: 'kvm' }) },
);

/** Its disk has a boot loader. */
function withoutBoot(): BenchImage {
  const { boot: _, ...spec } = imageOf('bare', 'c').spec;
  return BenchImage.parse({ ...imageOf('bare', 'c'), spec });
}

function specHash(record: ClusterRecord, name: string): string | undefined {
  return desiredCluster(record, identity).nodes.find((node) => node.name === name)?.specHash;
}

describe('an upgrade replaces no machine', () => {
  const machines: [what: string, record: ClusterRecord, node: string, hash: string][] = [
    ['a head of defaults', recordOf(), 'alpha-head-0', 'c0fb9630ae7ed3f9'],
    ['a worker of defaults', recordOf(), 'alpha-compute-0', 'c0fb9630ae7ed3f9'],
    ['a head with options', withOptions, 'alpha-head-0', '42b53d20f38b7337'],
    ['a worker with options', withOptions, 'alpha-compute-0', '7b0a2c5d7c87e038'],
  ];
  for (const [what, record, node, hash] of machines) {
    test(`${what} has the spec hash that it was made with`, () => {
      assert.equal(specHash(record, node), hash, replaces);
    });
  }

  test('a value that is new and undefined changes no hash', () => {
    assert.equal(digestOf({ cpus: 1, isNew: undefined }), digestOf({ cpus: 1 }));
  });
});

describe('an upgrade configures no guest anew', () => {
  const address = '192.168.150.3';
  const join = { name: 'alpha-compute-0', address, pool: 'compute', headAddress: address };
  const head = { cluster: 'alpha', name: 'alpha-head-0', address, pools: ['compute'] };

  test('a worker has the digest of what it joined by', () => {
    const rejoins = `an upgrade would have every worker of every user join anew. ${howTo}`;
    assert.equal(joinDigest(join), 'a99d10c6adfea2f3014bc3adb220adb7', rejoins);
  });

  test('daemons have the digests of what they were started with', () => {
    const restarts = `an upgrade would restart slurmctld, or slurmd on every worker, of every user. ${howTo}`;
    const started = (config: Record<string, string>) => {
      const { slurmctld, slurmd } = startDigests({ ...head, config: { config } });
      return [slurmctld.slice(0, 16), slurmd.slice(0, 16)];
    };
    assert.deepEqual(started({}), ['095b5c165bfa0051', 'de6b55083a82531c'], restarts);
    const others = started({ SlurmctldDebug: 'debug', TaskPlugin: 'task/cgroup' });
    assert.deepEqual(others, ['6a806cfb3d4a5a5d', 'f6b3ed61c682acd8'], restarts);
  });
});
