/**
 * Forty specs of one cluster, and some of the 1,560 edits from one to another with the way back;
 * `npm run sim` walks them all.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOf } from '../../src/crd/changes.ts';
import { type SchemaNode, schemaTree } from '../../src/crd/schema-tree.ts';
import { nameOf, pairs } from './pairs/pairs.ts';
import { clusterNamed, names } from './pairs/specs.ts';
import { inThreads } from './threads.ts';

/** Paths of the fields that state such an effect and have none below them that does. */
function fieldsOf(node: SchemaNode, path = ''): string[] {
  const below = Object.entries(node.properties ?? {}).map(([name, child]) =>
    fieldsOf(child, `${path}.${name}`),
  );
  const found = [...below.flat(), ...(node.items ? fieldsOf(node.items, `${path}[]`) : [])];
  const isEdited = node.effect === 'live' || node.effect === 'rolling';
  return found.length === 0 && isEdited ? [path] : found;
}

function changedFrom(name: string, to: string): string[] {
  const changes = changesOf(clusterNamed(name), clusterNamed(to));
  return changes.map(({ path }) => `.${path.replaceAll(/\[[^\]]*\]/g, '[]')}`);
}

test('forty specs, each valid and each another one, make 1,560 pairs', () => {
  assert.equal(names.length, 40);
  const specs = names.map((name) =>
    JSON.stringify([clusterNamed(name).spec, clusterNamed(name).metadata]),
  );
  assert.equal(new Set(specs).size, names.length);
  assert.equal(new Set(pairs.map(nameOf)).size, 1560);
});

test('every field that may be edited is edited by one of them', () => {
  const fields = fieldsOf(schemaTree('BenchCluster'));
  assert.ok(fields.includes('.spec.workers[].rollout.maxSurge'), fields.join());
  const changed = names.flatMap((name) => changedFrom('base', name));
  const isReached = (field: string) =>
    changed.some((path) => path === field || path.startsWith(`${field}.`));
  assert.deepEqual(
    fields.filter((field) => !isReached(field)),
    [],
  );
});

test('one edit of each kind, and the way back', async (context) => {
  const chosen = [
    'base -> four workers',
    'four workers -> no worker',
    'a stand-in -> two pools',
    'another scheduler type -> another network',
    'paused -> a pool of another name',
    'much at once -> paused by its annotation',
  ];
  const part = { pairs: pairs.filter((pair) => chosen.includes(nameOf(pair))) };
  await inThreads(1, [part], (_, result) => {
    if (!('outcomes' in result)) return;
    const { outcomes, wrong, cpuMs } = result;
    context.diagnostic(`${outcomes.length} pairs, ${Math.round(cpuMs)} ms of CPU`);
    assert.deepEqual(wrong, []);
    const kinds = ['converged', 'converged', 'converged', 'frozen', 'held', 'refused'];
    assert.deepEqual(outcomes.toSorted(), kinds);
  });
});
