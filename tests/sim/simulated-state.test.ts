/** Whose a state directory is: a real installation's or a simulated one's, never both. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openStateDirectory } from '../../src/drivers/state-directory.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';
import { ownKeys } from '../../src/wiring/identity.ts';
import {
  openRealState,
  openSimulatedState,
  readSimulated,
} from '../../src/wiring/simulated-state.ts';
import { clusterOf, recordOf } from '../fakes/builders.ts';

const clock = new VirtualClock();
const time = { speed: 60, origin: 1000 };

async function temporary(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'simulated-state-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return join(dir, 'state');
}

test('the state of a real installation is refused and stays as it is', async (t) => {
  const dir = await temporary(t);
  const real = await openRealState(dir, clock);
  const installation = await real.installation();
  await real.putCluster(recordOf());
  await real.close();
  await assert.rejects(openSimulatedState(dir, clock, time), /holds the state of a real install/);
  assert.equal(await readSimulated(dir), undefined);
  const again = await openRealState(dir, clock);
  assert.equal(await again.installation(), installation);
  assert.equal((await again.clusters()).length, 1);
  await again.close();
});

test('a real controller refuses the state of a simulated one, and gives the lock back', async (t) => {
  const dir = await temporary(t);
  await (await openSimulatedState(dir, clock, time)).close();
  await assert.rejects(openRealState(dir, clock), /holds the state of a simulated install/);
  await (await openSimulatedState(dir, clock, { ...time, speed: 10 })).close();
  assert.equal((await readSimulated(dir))?.speed, 10);
});

test('a simulated world begins with nothing, whatever the one before it left', async (t) => {
  const dir = await temporary(t);
  const first = await openSimulatedState(dir, clock, time);
  const installation = await first.installation();
  await first.putCluster(recordOf(clusterOf({ name: 'old' })));
  await first.appendEvent({
    ...{ time: '2026-01-01T00:00:00Z', type: 'Normal', cluster: 'default/old' },
    ...{ reason: 'Ready', message: 'Ready' },
  });
  await first.close();
  const second = await openSimulatedState(dir, clock, time);
  assert.deepEqual(await second.clusters(), []);
  assert.deepEqual(await second.events(), []);
  assert.equal(await second.installation(), installation);
  await second.close();
});

test('only one simulated controller at a time, and the mark is private', async (t) => {
  const dir = await temporary(t);
  const state = await openSimulatedState(dir, clock, time);
  await assert.rejects(openSimulatedState(dir, clock, { speed: 1, origin: 0 }), /another controll/);
  assert.deepEqual(JSON.parse(await readFile(join(dir, 'simulation.json'), 'utf8')), time);
  assert.equal((await stat(join(dir, 'simulation.json'))).mode & 0o777, 0o600);
  await state.close();
});

test('what a command made by looking is no installation of its own', async (t) => {
  const dir = await temporary(t);
  const looked = await openStateDirectory(dir, { clock, exclusive: false });
  await ownKeys(looked);
  await looked.close();
  await (await openSimulatedState(dir, clock, time)).close();
  assert.equal((await readSimulated(dir))?.speed, 60);
});
