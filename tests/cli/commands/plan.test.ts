import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import type { ClusterPlan, PausePlan, PlanReport } from '../../../src/cli/plan-report.ts';
import { PortError } from '../../../src/controllers/ports.ts';
import { createWorld } from '../support/fake-context.ts';

const nothing: ClusterPlan = {
  namespace: 'default',
  name: 'slurm-a',
  intent: 'keep',
  changes: [],
  steps: [],
  blockers: [],
};

const report = (fields: Partial<ClusterPlan>, rest: Partial<PlanReport> = {}): PlanReport => ({
  faults: [],
  clusters: [{ ...nothing, ...fields }],
  ...rest,
});

test('nothing to do ends with 0', async (t) => {
  const world = await createWorld(t);
  world.parts.planOnce = async () => report({});
  assert.equal(await world.run('plan'), exitCodes.ok);
  assert.match(world.stdout.text, /^cluster\/slurm-a: nothing to do$/m);
});

test('steps and edited fields are shown with effect and reason, and end with 2', async (t) => {
  const world = await createWorld(t);
  world.parts.planOnce = async () =>
    report({
      changes: [
        { path: 'spec.workers[compute].memory', from: '1Gi', to: '2Gi', effect: 'rolling' },
        { path: 'spec.network.name', from: 'a', to: 'b', effect: 'immutable' },
        { path: 'spec.paused', to: true, effect: 'live' },
      ],
      steps: [
        { node: 'slurm-a-compute-0', action: 'drain', why: 'memory changed', effect: 'update' },
        { action: 'upload debian-slurm', why: 'not in the pool', effect: 'create' },
        { node: 'slurm-a-compute-1', action: 'undefine', why: 'drained', effect: 'delete' },
      ],
      blockers: [
        {
          node: 'slurm-a-compute-2',
          reason: 'RolloutLimit',
          message: 'one at a time',
          waiting: true,
        },
        { reason: 'NameTaken', message: 'domain of somebody else', waiting: false },
      ],
    });
  assert.equal(await world.run('plan'), exitCodes.planHasChanges);
  const lines = world.stdout.text.split('\n').map((line) => line.replace(/ {2,}/g, '  '));
  assert.deepEqual(lines, [
    'cluster/slurm-a',
    '  spec.workers[compute].memory  1Gi -> 2Gi  rolling: new VMs, pool by pool, drained first',
    '  spec.network.name  a -> b  immutable: refused, the old value stays',
    '  spec.paused  (none) -> true  live: applied to the running cluster',
    '  ~  slurm-a-compute-0  drain  because memory changed',
    '  +  (shared)  upload debian-slurm  because not in the pool',
    '  -  slurm-a-compute-1  undefine  because drained',
    '  …  slurm-a-compute-2  RolloutLimit  one at a time',
    '  !  (cluster)  NameTaken  domain of somebody else',
    '',
    'Next round of 1 cluster: 1 to create, 1 to change, 1 to delete.',
    '',
  ]);
});

test('what waits for the end of a pause is told apart from what is done, and ends with 0', async (t) => {
  const world = await createWorld(t);
  const step = { action: 'create volume', why: 'the node has no disk', effect: 'create' } as const;
  const paused: PausePlan = {
    by: ['spec.paused', 'the annotation benchcluster.io/paused'],
    toGoOn: 'change it',
    steps: [{ node: 'slurm-a-compute-1', ...step }],
  };
  world.parts.planOnce = async () => report({ paused });
  assert.equal(await world.run('plan'), exitCodes.ok);
  const lines = world.stdout.text.split('\n').map((line) => line.replace(/ {2,}/g, '  '));
  assert.deepEqual(lines, [
    'cluster/slurm-a',
    '  paused by spec.paused and by the annotation benchcluster.io/paused: nothing is done; ' +
      'to go on: change it',
    '  then:  slurm-a-compute-1  create volume  because the node has no disk',
    '',
    'Next round of 1 cluster: 0 to create, 0 to change, 0 to delete; 1 paused.',
    '',
  ]);
});

test('waiting alone is nothing to do', async (t) => {
  const world = await createWorld(t);
  const blockers = [{ reason: 'HostUnreachable', message: 'no answer', waiting: true }];
  world.parts.planOnce = async () => report({ blockers });
  assert.equal(await world.run('plan'), exitCodes.ok);
});

test('faults of manifests have their own code, on stderr, beside the plan of the rest', async (t) => {
  const world = await createWorld(t);
  const faults = [{ file: 'a.yaml', line: 3, path: 'spec.image', message: 'missing' }];
  world.parts.planOnce = async () => report({}, { faults });
  assert.equal(await world.run('plan'), exitCodes.invalidManifests);
  assert.match(world.stderr.text, /a\.yaml:3: spec\.image: missing/);
  assert.match(world.stdout.text, /slurm-a: nothing to do/);
});

test('an untrusted directory is invalid too', async (t) => {
  const world = await createWorld(t);
  world.parts.planOnce = async () => ({ untrusted: 'it is empty', faults: [], clusters: [] });
  assert.equal(await world.run('plan'), exitCodes.invalidManifests);
  assert.match(world.stderr.text, /it is empty/);
});

test('plan -o json prints the report and keeps the exit code', async (t) => {
  const world = await createWorld(t);
  const steps = [{ action: 'x', why: 'y', effect: 'create' as const }];
  world.parts.planOnce = async () => report({ steps });
  assert.equal(await world.run('plan', '-o', 'json'), exitCodes.planHasChanges);
  assert.equal(JSON.parse(world.stdout.text).clusters[0].steps[0].why, 'y');
});

test('plan asks for one cluster by name, and says when it is not there', async (t) => {
  const world = await createWorld(t);
  const asked: (string | undefined)[] = [];
  world.parts.planOnce = async ({ cluster }) => {
    asked.push(cluster);
    return { faults: [], clusters: [] };
  };
  assert.equal(await world.run('plan', 'cluster/slurm-a'), exitCodes.notFound);
  assert.equal(await world.run('plan', 'slurm-a'), exitCodes.notFound);
  assert.equal(await world.run('plan', 'node/x'), exitCodes.usage);
  assert.deepEqual(asked, ['slurm-a', 'slurm-a']);
});

test('a host that does not answer is an error that points to doctor', async (t) => {
  const world = await createWorld(t);
  world.parts.planOnce = async () => {
    throw new PortError('unreachable', 'rhodey does not answer');
  };
  assert.equal(await world.run('plan'), exitCodes.failed);
  assert.equal(world.stderr.text, 'error: rhodey does not answer\nnext:  benchctl doctor\n');
});

test('a missing directory is not found', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('plan', '--dir', '/nowhere'), exitCodes.notFound);
});
