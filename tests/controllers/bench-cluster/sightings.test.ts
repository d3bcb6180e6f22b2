/** What is off for sure: by two listings, which may be handed out more than once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Sightings } from '../../../src/controllers/bench-cluster/sightings.ts';
import type { HostInventory } from '../../../src/controllers/ports.ts';
import { NodeStatus } from '../../../src/crd/status.ts';
import { VirtualClock } from '../../../src/sim/virtual-clock.ts';
import { PlanCase } from './plan-case.ts';

const worker = 'alpha-compute-1';

/** Listings of a cluster, one after the other, each a new one. */
class Looks {
  readonly clock = new VirtualClock();
  readonly round = new PlanCase();
  sightings = new Sightings(this.clock);

  listing(): HostInventory {
    return structuredClone(this.round.inventory);
  }

  look(listing = this.listing(), ended?: Parameters<Sightings['listed']>[2]): string[] {
    this.sightings.listed(this.round.cluster, listing, ended);
    return [...this.sightings.view().unsure];
  }

  vanished(): string[] {
    return this.sightings.view().vanished.map(({ name }) => name);
  }
}

describe('what is off', () => {
  test('is sure with the second listing', () => {
    const looks = new Looks();
    assert.deepEqual(looks.look(), []);
    looks.round.off(worker);
    assert.deepEqual(looks.look(), [worker]);
    assert.deepEqual(looks.look(), []);
  });

  test('is not sure by the same listing, until it is another look at the host', async () => {
    const looks = new Looks();
    looks.round.off(worker);
    const listing = looks.listing();
    assert.deepEqual(looks.look(listing), [worker]);
    assert.deepEqual(looks.look({ ...listing }), [worker]);
    await looks.clock.advance(499);
    assert.deepEqual(looks.look(listing), [worker]);
    await looks.clock.advance(1);
    assert.deepEqual(looks.look(listing), []);
  });

  test('begins anew when it has run in between', () => {
    const looks = new Looks();
    const running = looks.listing();
    looks.round.off(worker);
    assert.deepEqual(looks.look(), [worker]);
    assert.deepEqual(looks.look(running), []);
    assert.deepEqual(looks.look(), [worker]);
  });

  test('is sure at once where we have ended its run', () => {
    const looks = new Looks();
    const uuid = looks.round.inventory.domains.find(({ name }) => name === worker)?.uuid ?? '';
    looks.round.off(worker);
    assert.deepEqual(looks.look(looks.listing(), new Map([[uuid, { id: 1, connection: 1 }]])), []);
  });
});

describe('what is in no listing any more', () => {
  test('is told of once, and is then forgotten', () => {
    const looks = new Looks();
    looks.look();
    looks.round.inventory.domains = looks.round.inventory.domains.filter(
      ({ name }) => name !== worker,
    );
    assert.deepEqual(looks.look(), [worker]);
    assert.deepEqual(looks.vanished(), [worker]);
    assert.deepEqual(looks.look(), []);
    assert.deepEqual(looks.vanished(), []);
  });

  test('is known of by the status of an earlier process, and so is what was off', () => {
    const looks = new Looks();
    const nodes = ['alpha-head-0', 'alpha-compute-0', worker].map((name) => ({
      ...{
        name,
        pool: name.includes('head') ? 'head' : 'compute',
        phase: 'Ready',
        reason: 'Ready',
      },
      ...{ role: name.includes('head') ? 'controlPlane' : 'worker', message: '' },
      ...{ since: '2026-01-01T00:00:00.000Z', host: 'rhodey', upToDate: true },
      uuid: name,
    }));
    const status = { nodes: nodes.map((node) => NodeStatus.parse(node)) };
    looks.round.inventory.domains = [];
    looks.sightings = new Sightings(looks.clock, status);
    assert.deepEqual(looks.look(), ['alpha-head-0', 'alpha-compute-0', worker]);
    const leaving = status.nodes.map((node) => ({ ...node, phase: 'Deleting' as const }));
    looks.sightings = new Sightings(looks.clock, { nodes: leaving });
    assert.deepEqual(looks.look(), []);
  });
});

describe('a cluster is gone', () => {
  test('when two looks in a row have found nothing of it', async () => {
    const { clock, sightings, round } = new Looks();
    const look = () => structuredClone(round.inventory);
    assert.equal(sightings.isGone(look()), false);
    assert.equal(sightings.isGone(undefined), false, 'this one has found something');
    const nothing = look();
    assert.equal(sightings.isGone(nothing), false);
    assert.equal(sightings.isGone({ ...nothing }), false, 'it is the same listing');
    assert.equal(sightings.isGone(look()), true);
    await clock.advance(500);
    assert.equal(sightings.isGone(nothing), true, 'it is another look at the host');
  });
});
