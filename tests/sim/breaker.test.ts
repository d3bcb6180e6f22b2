/** Mass deletion meets the breaker of the real controller, also across its deaths. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revisionOf } from '../../src/controllers/bench-cluster/removal.ts';
import { confirmAnnotation, protectAnnotation } from '../../src/crd/annotations.ts';
import type { BenchCluster } from '../../src/crd/bench-cluster.ts';
import { parseLedger } from '../../src/drivers/state-texts.ts';
import { clusterOf } from '../fakes/builders.ts';
import type { CrashPoint } from './membrane.ts';
import { readyWorld, writtenWorld } from './scenes.ts';
import type { World } from './world.ts';

const three = ['alpha', 'beta', 'gamma'].map((name) => clusterOf({ name, replicas: 1 }));

async function revision(world: World): Promise<string> {
  return revisionOf((await world.state.deletionLedger()).held);
}

function domains(world: World): string[] {
  return [...world.hypervisor.domains.values()].map(({ name }) => name).sort();
}

function isHeld(world: World, name: string): boolean {
  return world.condition(name, 'Stalled')?.reason === 'DeletionHeld';
}

async function eventsAbout(world: World, reason: string): Promise<string[]> {
  const events = await world.state.events();
  return events.filter((event) => event.reason === reason).map(({ cluster }) => cluster);
}

test('manifests that vanish together take nothing with them, and each cluster says so once', async () => {
  const world = await readyWorld(...three);
  const before = world.picture();
  for (const cluster of three) world.source.remove(cluster);
  await world.until('the last is held', () => isHeld(world, 'gamma'));
  await world.clock.advance(600_000);
  // The first went by itself, as a small cluster does; the others followed within a moment.
  assert.deepEqual(
    domains(world).filter((name) => name.startsWith('alpha')),
    [],
  );
  assert.deepEqual(
    domains(world),
    before.domains.map(({ name }) => name).filter((name) => !name.startsWith('alpha')),
  );
  assert.deepEqual(await eventsAbout(world, 'DeletionHeld'), ['default/beta', 'default/gamma']);
  const message = world.condition('beta', 'Stalled')?.message ?? '';
  assert.ok(message.includes(`benchctl confirm --revision ${await revision(world)}`), message);
  assert.equal(world.condition('beta', 'Ready')?.status, 'True');
});

test('what is held goes when a person confirms it', async () => {
  const world = await readyWorld(...three);
  for (const cluster of three) world.source.remove(cluster);
  await world.until('the last is held', () => isHeld(world, 'gamma'));
  world.state.confirm(await revision(world));
  for (const name of ['alpha', 'beta', 'gamma']) await world.untilGone(name);
  assert.deepEqual(world.picture(), { domains: [], volumes: [], networks: [] });
  assert.deepEqual(await world.state.confirmations(), []);
});

/** Three clusters vanish, and a person confirms what of it is held. */
async function confirmedLife(crash?: CrashPoint): Promise<World> {
  const world = writtenWorld(...three);
  await world.start(crash);
  for (const { metadata } of three) await world.untilReady(metadata.name);
  for (const cluster of three) world.source.remove(cluster);
  await world.until('the last is held', () => isHeld(world, 'gamma'));
  world.state.confirm(await revision(world));
  for (const { metadata } of three) await world.untilGone(metadata.name);
  await world.clock.advance(60_000);
  return world;
}

/** What was made, and how often, but for what clusters share and may ask for at one moment. */
function ownThings(world: World): [string, number][] {
  return Object.entries(world.watched.made()).filter(([name]) => !/^(network|upload) /.test(name));
}

test('a death before or after anything that the breaker stores changes nothing in the end', async () => {
  const reference = await confirmedLife();
  const stores = /^(putDeletionLedger|forgetConfirmation|putCluster)$/;
  const { names } = reference.effects;
  const first = names.indexOf('putDeletionLedger');
  const places = names.flatMap((name, index) =>
    index >= first && stores.test(name) ? [index + 1] : [],
  );
  assert.ok(places.length >= 7, `${places.length} places`);
  for (const effect of places) {
    for (const when of ['before', 'after'] as const) {
      const world = await confirmedLife({ effect, when });
      const place = `death ${when} effect ${effect} (${names[effect - 1]})`;
      assert.equal(world.crashes, 1, place);
      assert.deepEqual(world.picture(), reference.picture(), place);
      assert.deepEqual(ownThings(world), ownThings(reference), place);
      assert.deepEqual((await world.state.deletionLedger()).held, [], place);
      assert.deepEqual(await world.state.confirmations(), [], place);
    }
  }
});

test('what is held stays held across deaths, under the same revision', async () => {
  const world = await readyWorld(...three);
  for (const cluster of three) world.source.remove(cluster);
  await world.until('the last is held', () => isHeld(world, 'gamma'));
  const before = await revision(world);
  world.kill();
  await world.clock.advance(120_000);
  assert.ok(isHeld(world, 'beta'));
  assert.equal(await revision(world), before);
  assert.deepEqual(await eventsAbout(world, 'DeletionHeld'), ['default/beta', 'default/gamma']);
});

test('what is put back is free again', async () => {
  const world = await readyWorld(...three);
  for (const cluster of three) world.source.remove(cluster);
  await world.until('the last is held', () => isHeld(world, 'gamma'));
  for (const cluster of three) world.source.put(cluster);
  for (const { metadata } of three) await world.untilReady(metadata.name);
  await world.until('nothing is held', () => !isHeld(world, 'beta') && !isHeld(world, 'gamma'));
  assert.deepEqual((await world.state.deletionLedger()).held, []);
});

function annotated(cluster: BenchCluster, name: string, value: string): BenchCluster {
  return { ...cluster, metadata: { ...cluster.metadata, annotations: { [name]: value } } };
}

test('workers that are too many to lose at once stay until the manifest confirms it', async () => {
  const world = await readyWorld(clusterOf({ replicas: 6 }));
  world.source.put(clusterOf({ replicas: 1 }));
  await world.until('it is held', () => isHeld(world, 'alpha'));
  await world.clock.advance(60_000);
  assert.equal(domains(world).length, 7);
  const held = await revision(world);
  world.source.put(annotated(clusterOf({ replicas: 1 }), confirmAnnotation, held));
  await world.untilReady('alpha', 2);
  assert.deepEqual(domains(world), ['alpha-compute-0', 'alpha-head-0']);
});

test('a protected cluster outlives its manifest and a request, and goes without the annotation', async () => {
  const shielded = annotated(clusterOf(), protectAnnotation, 'true');
  const world = await readyWorld(shielded);
  world.source.remove(shielded);
  world.state.requestDeletion('default', 'alpha');
  await world.until('it says so', () => {
    return world.condition('alpha', 'Stalled')?.reason === 'DeletionProtected';
  });
  await world.clock.advance(60_000);
  assert.equal(domains(world).length, 3);
  world.source.put(clusterOf());
  await world.clock.advance(30_000);
  assert.deepEqual(await world.state.deletionRequests(), []);
  world.source.remove(clusterOf());
  await world.untilGone('alpha');
});

test('a half-written first version leaves no head that is outdated', async () => {
  const world = writtenWorld(clusterOf({ name: 'other', replicas: 0 }));
  const half = clusterOf({ spec: { workers: [] } });
  const full = clusterOf({ spec: { controlPlane: { memory: '4Gi' } } });
  world.source.put(half, false);
  await world.start();
  await world.clock.advance(1000);
  assert.deepEqual(
    domains(world).filter((name) => name.startsWith('alpha')),
    [],
  );
  world.source.put(full, false);
  await world.clock.advance(1000);
  world.source.put(full);
  await world.untilReady('alpha');
  assert.equal(world.condition('alpha', 'UpToDate')?.reason, 'UpToDate');
});

test('an edit of many files that drops most of it is held, and what it creates and edits goes on (A29)', async () => {
  const sizes = [2, 2, 2, 2, 2];
  const before = sizes.map((replicas, index) => clusterOf({ name: `c${index}`, replicas }));
  const world = await readyWorld(...before);
  await world.clock.advance(120_000);
  const [first, second, ...dropped] = before;
  assert.ok(first && second);
  for (const cluster of dropped) world.source.remove(cluster);
  world.source.put(clusterOf({ name: 'c0', replicas: 3 }));
  world.source.put(clusterOf({ name: 'c1', replicas: 2, pool: { memory: '2Gi' } }));
  world.source.put(clusterOf({ name: 'new', replicas: 1 }));
  for (const name of ['c0', 'c1']) await world.untilReady(name, 2);
  await world.untilReady('new');
  await world.clock.advance(600_000);
  // One small cluster goes by itself; the others followed within a moment.
  const kept = dropped
    .slice(1)
    .flatMap(({ metadata: { name } }) => [
      `${name}-compute-0`,
      `${name}-compute-1`,
      `${name}-head-0`,
    ]);
  assert.deepEqual(
    domains(world).filter((name) => /^c[234]-/.test(name)),
    kept,
  );
  assert.deepEqual(world.watched.violations, []);
});

test('while what the breaker remembers cannot be read, clusters are kept and say why', async () => {
  const world = await readyWorld(clusterOf({ name: 'alpha', replicas: 1 }));
  const read = world.state.deletionLedger.bind(world.state);
  world.state.deletionLedger = async () => parseLedger('deletion-ledger.json', '{');
  world.kill();
  world.source.put(clusterOf({ name: 'alpha', replicas: 2 }));
  const said = () => world.condition('alpha', 'SourceValid');
  await world.until('it is told', () => said()?.status === 'False');
  assert.match(said()?.message ?? '', /cannot be followed: deletion-ledger\.json: .*end the contr/);
  const worker = [...world.hypervisor.domains.values()].find(({ name }) =>
    name.includes('compute'),
  );
  assert.ok(worker);
  world.hypervisor.powerOff(worker, 'destroyed');
  await world.clock.advance(600_000);
  assert.equal(world.condition('alpha', 'Ready')?.status, 'True');
  assert.equal(domains(world).length, 2);
  world.state.deletionLedger = read;
  await world.until('the edit is done', () => domains(world).length === 3);
  assert.equal(said()?.status, 'True');
});
