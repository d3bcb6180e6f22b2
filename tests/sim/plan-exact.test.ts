/** What `benchctl plan` says before an edit is what the controller then does, edit by edit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlanReport } from '../../src/cli/plan-report.ts';
import { BenchCluster } from '../../src/crd/bench-cluster.ts';
import { clusterOf, imageOf } from '../fakes/builders.ts';
import { inMacrotask } from './drain.ts';
import { clusterName, clusterNamed, labNetwork, names } from './pairs/specs.ts';
import { type Edit, Rehearsal } from './rehearsal.ts';

const worker = 'alpha-compute-1';

function rehearsed(title: string, play: (rehearsal: Rehearsal) => void): void {
  test(title, () => inMacrotask(() => play(new Rehearsal())));
}

function put(cluster: BenchCluster, what = cluster.metadata.name): Edit {
  return { what, write: (source) => source.put(cluster) };
}

function named(name: string): Edit {
  return put(clusterNamed(name), name);
}

function confirmation({ world }: Rehearsal): Edit {
  const { message = '' } = world.condition(clusterName, 'Stalled') ?? {};
  const revision = /benchctl confirm --revision (\w+)/.exec(message)?.[1] ?? assert.fail(message);
  return { what: 'confirmed', meanwhile: ({ state }) => state.confirm(revision) };
}

rehearsed('from each of forty specs to the next, and what is held is confirmed', (rehearsal) => {
  rehearsal.world.hypervisor.addNetwork(labNetwork);
  let held = 0;
  for (const name of [...names, 'base']) {
    const { clusters } = rehearsal.make(named(name));
    const reasons = clusters.flatMap(({ blockers }) => blockers.map(({ reason }) => reason));
    if (!reasons.includes('DeletionHeld')) continue;
    held += 1;
    rehearsal.make(confirmation(rehearsal));
  }
  assert.ok(held > 0, 'nothing was held');
});

rehearsed('processes that end all the way to a stand-in and new machines', (rehearsal) => {
  rehearsal.make(named('base'));
  rehearsal.begin(named('a stand-in'));
  const steps: string[] = [];
  for (let process = 0; process < 50; process += 1) steps.push(...stepsOf(rehearsal.anew(600)));
  assert.ok(steps.includes('undefine domain alpha-compute-2'), steps.join());
});

rehearsed('an image that becomes another one, and a machine that is off', (rehearsal) => {
  const { world } = rehearsal;
  rehearsal.make(named('base'));
  rehearsal.make({ what: 'its content', write: (source) => source.put(imageOf('debian', 'b')) });
  const crash = () => world.hypervisor.powerOff(world.domain(worker) ?? assert.fail(), 'crashed');
  const { clusters } = rehearsal.make({ what: 'off', meanwhile: crash });
  assert.equal(clusters[0]?.steps[0]?.action, `start domain ${worker}`);
});

rehearsed(
  'what failed waits in a new process too, and is tried at once after an edit',
  (rehearsal) => {
    const { world } = rehearsal;
    rehearsal.make(named('base'));
    for (let time = 0; time < 20; time += 1) world.hypervisor.failNext('createVolume');
    rehearsal.make(named('three workers'));
    const tries = world.status(clusterName)?.attempts?.[0]?.count ?? 0;
    assert.ok(tries > 5, `it failed ${tries} times`);
    rehearsal.make({ what: 'a new process', meanwhile: () => {} });
    rehearsal.make(named('four workers'));
  },
);

rehearsed('a drain waits for its job, until an edit has its deadline behind it', (rehearsal) => {
  const { clock, slurm } = rehearsal.world;
  const clusterWith = (timeout: string, replicas: number) =>
    put(clusterOf({ replicas, pool: { drain: { timeout, onTimeout: 'Force' } } }));
  rehearsal.make(clusterWith('1h', 2));
  const job = slurm.submit(clusterName, [worker]) ?? assert.fail();
  assert.ok(clock.run(() => slurm.running(worker).includes(job), 10_000));
  rehearsal.begin(clusterWith('1h', 1));
  clock.run(() => false, 10 * 60_000);
  assert.deepEqual(stepsOf(rehearsal.begin(clusterWith('20m', 1))), []);
  const report = rehearsal.begin(clusterWith('5m', 1));
  assert.deepEqual(stepsOf(report), [`power off domain ${worker}`]);
});

rehearsed(
  'of two clusters each goes by itself: protected, asked for, and with what it shares',
  (rehearsal) => {
    const { world } = rehearsal;
    const pools = [{ name: 'spare', replicas: 0, image: 'other' }];
    const alpha = clusterOf({ spec: { workers: pools } });
    const annotations = { 'benchcluster.io/protect': 'true' };
    const guarded = BenchCluster.parse({ ...alpha, metadata: { ...alpha.metadata, annotations } });
    const own = { name: 'compute', replicas: 2, image: 'own' };
    const beta = clusterOf({ name: 'beta', spec: { image: 'other', workers: [own] } });
    const isThere = (name: string) => world.state.has(`default/${name}`);
    rehearsal.make(put(guarded));
    rehearsal.make({ what: 'its image', write: (source) => source.put(imageOf('own', 'd')) });
    rehearsal.make(put(beta));
    rehearsal.make({ what: 'protected', write: (source) => source.remove(guarded) });
    assert.ok(isThere('alpha'));
    const ask = () => world.state.requestDeletion('default', 'beta');
    rehearsal.begin({ what: 'asked for', write: (source) => source.remove(beta), meanwhile: ask });
    const steps: string[] = [];
    for (let process = 0; isThere('beta') && process < 60; process += 1) {
      steps.push(...stepsOf(rehearsal.anew(300)));
    }
    assert.ok(
      steps.some((step) => step.startsWith('delete volume own-')),
      steps.join(),
    );
    assert.ok(!isThere('beta'));
    rehearsal.make(put(alpha));
    rehearsal.make({ what: 'the last', write: (source) => source.remove(alpha) });
    assert.ok(!isThere('alpha'));
  },
);

function stepsOf({ clusters }: PlanReport): string[] {
  return clusters.flatMap(({ steps }) => steps.map(({ action }) => action));
}
