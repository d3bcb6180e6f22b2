/** Two rounds of one cluster that come to write its status at once, onto a slow disk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Observed } from '../../../src/controllers/bench-cluster/observed.ts';
import {
  type StatusHolder,
  writeError,
  writeStatus,
} from '../../../src/controllers/bench-cluster/write-status.ts';
import type { ClusterStatus } from '../../../src/crd/status.ts';
import { MemoryState } from '../../../src/sim/memory-state.ts';
import { settle, VirtualClock } from '../../../src/sim/virtual-clock.ts';
import { PlanCase } from './plan-case.ts';

const key = 'default/alpha';

class SlowState extends MemoryState {
  readonly clock = new VirtualClock();
  readonly written: string[] = [];

  override async appendEvent(event: Parameters<MemoryState['appendEvent']>[0]): Promise<void> {
    await new Promise<void>((resolve) => this.clock.after(10, resolve));
    return super.appendEvent(event);
  }

  override async putStatus(...[namespace, name, status]: Parameters<MemoryState['putStatus']>) {
    this.written.push(ready(status));
    return super.putStatus(namespace, name, status);
  }
}

function ready(status: ClusterStatus | undefined): string {
  return status?.conditions.find(({ type }) => type === 'Ready')?.reason ?? 'none';
}

function roundOf(disturb: (round: PlanCase) => void = () => {}) {
  const round = new PlanCase();
  disturb(round);
  const observed: Observed = {
    ...{ host: { inventory: round.inventory }, guests: round.guests, scheduler: {} },
    ...{ operations: [], failures: new Map() },
    others: { networks: new Set(), artifacts: new Set() },
  };
  return { desired: round.cluster, observed, planned: round.plan() };
}

const well = roundOf();
const broken = roundOf((round) => round.off('alpha-head-0'));

function scene() {
  const state = new SlowState('installation');
  const holder: StatusHolder = { faults: [] };
  const write = (round: typeof well) =>
    writeStatus(key, holder, round, { state, clock: state.clock });
  return { state, holder, write };
}

test('one is written after the other, and what is the same again is not written', async () => {
  const { state, holder, write } = scene();
  const all = Promise.all([write(well), write(broken), write(well), write(well)]);
  await state.clock.advance(1000);
  assert.deepEqual((await all).map(ready), ['Ready', 'Starting', 'Ready', 'none']);
  assert.deepEqual(state.written, ['Ready', 'Starting', 'Ready']);
  assert.equal(ready(holder.status), 'Ready', 'what is known is what is stored');
});

test('what is the same as what is on its way to be stored is told when that is', async () => {
  const { state, write } = scene();
  const first = write(well);
  let isTold = false;
  const second = write(well).then(() => {
    isTold = true;
  });
  await settle();
  assert.deepEqual([isTold, state.written], [false, []]);
  await state.clock.advance(1000);
  await Promise.all([first, second]);
  assert.deepEqual([isTold, state.written], [true, ['Ready']]);
});

test('what could not be stored is not known, nor what was made from it', async () => {
  const { state, holder, write } = scene();
  state.failNext(1);
  // The last one says what the one before it says, and is not to think that it is on record.
  const all = [write(well), write(broken), write(broken)];
  const refused = all.map((each) => assert.rejects(each, /no space left/));
  await state.clock.advance(1000);
  await Promise.all(refused);
  assert.deepEqual([state.written, holder.status], [[], undefined]);
  const record = new PlanCase().record;
  const told = writeError(key, holder, record, 'no', { state, clock: state.clock });
  await state.clock.advance(1000);
  assert.equal(ready(await told), 'ReconcileError');
  assert.deepEqual(state.written, ['ReconcileError']);
});
