/** What is known of runs that were powered off: for how long, and what a listing looks like by it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeOf } from '../../../src/controllers/bench-cluster/action.ts';
import { EndedRuns, withoutRuns } from '../../../src/controllers/bench-cluster/ended-runs.ts';
import type { DomainChange, DomainView } from '../../../src/controllers/ports.ts';
import { PlanCase } from './plan-case.ts';

const name = 'alpha-compute-0';

function scene() {
  const round = new PlanCase();
  const { inventory } = round;
  const runs = new EndedRuns();
  const domain = round.domain(name);
  Object.assign(domain, { state: 'running', id: 7 });
  const done = (change: DomainChange) => {
    if (domain.owner === undefined) throw new Error(`${name} has no mark`);
    runs.done({ host: 'rhodey', ...changeOf(change, domain, domain.owner) });
  };
  const seen = (): DomainView | undefined =>
    withoutRuns(inventory, runs.view()).domains.find((each) => each.name === name);
  return { inventory, runs, domain, done, seen };
}

test('a listing that shows a run after its power-off shows it off, and nothing else changed', () => {
  const { inventory, runs, domain, done, seen } = scene();
  done('destroy');
  const others = withoutRuns(inventory, runs.view()).domains.filter((each) => each.name !== name);
  assert.deepEqual(
    others,
    inventory.domains.filter((each) => each !== domain),
  );
  const off = { state: 'shutoff', reason: 'destroyed', id: -1, agentConnected: false };
  assert.deepEqual(seen(), { ...domain, ...off });
  assert.equal(domain.state, 'running', 'the listing itself belongs to all clusters');
});

test('another run of the same domain is no old one', () => {
  const { inventory, runs, domain, done, seen } = scene();
  done('destroy');
  for (const other of [
    { id: 8, connection: domain.connection },
    { id: 7, connection: domain.connection + 1 },
  ]) {
    Object.assign(domain, other);
    assert.equal(seen(), domain);
    assert.equal(withoutRuns(inventory, runs.view()), inventory, 'what others look up is kept');
  }
});

test('it is known until we start the domain, undefine it, or the host does not agree', () => {
  for (const change of ['start', 'undefine'] as const) {
    const { domain, done, seen } = scene();
    done('destroy');
    done(change);
    assert.equal(seen(), domain, change);
  }
  const { runs, domain, done, seen } = scene();
  done('destroy');
  runs.forget();
  assert.equal(seen(), domain);
});
