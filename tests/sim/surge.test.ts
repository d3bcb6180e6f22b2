/** A pool that may not lack a node is changed by nodes that stand in, and is as large as before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from '../fakes/builders.ts';
import { readyWorld } from './scenes.ts';
import type { World } from './world.ts';

/** What events tell of the way out of a node. */
async function told(world: World, name: string): Promise<string[]> {
  const events = await world.state.events();
  return events.flatMap(({ node, message }) => {
    const [, phase, why = ''] = /^(Draining|Deleting): ([^:]*):/.exec(message) ?? [];
    return node === name && phase ? [why] : [];
  });
}

test('with maxSurge no node is ever missing, and the stand-in goes when the last one is new', async () => {
  const pool = { rollout: { maxUnavailable: 0, maxSurge: 1 } };
  const world = await readyWorld(clusterOf({ replicas: 2, pool }));
  const before = world.domain('alpha-compute-0')?.owner?.node?.specHash;
  world.source.put(clusterOf({ replicas: 2, pool: { ...pool, memory: '2Gi' } }));
  let fewest = 2;
  const names = () => [...world.hypervisor.domains.values()].map(({ name }) => name).sort();
  await world.until('the pool is new and as large as before', () => {
    const nodes = world.status('alpha')?.nodes ?? [];
    const ready = nodes.filter(({ role, phase }) => role === 'worker' && phase === 'Ready').length;
    fewest = Math.min(fewest, ready);
    return world.isReady('alpha', 2) && names().length === 3;
  });
  assert.equal(fewest, 2);
  assert.notEqual(world.domain('alpha-compute-0')?.owner?.node?.specHash, before);
  assert.equal(world.watched.made()['define alpha-compute-2'], 1);
  assert.deepEqual(names(), ['alpha-compute-0', 'alpha-compute-1', 'alpha-head-0']);
  assert.deepEqual([...new Set(await told(world, 'alpha-compute-2'))], ['the rollout is over']);
  world.source.put(clusterOf({ replicas: 1, pool: { ...pool, memory: '2Gi' } }));
  await world.untilReady('alpha', 3);
  assert.deepEqual(
    [...new Set(await told(world, 'alpha-compute-1'))],
    ['spec changed', 'replicas lowered'],
  );
  assert.deepEqual(world.watched.violations, []);
});
