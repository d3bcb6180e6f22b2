/**
 * A workload under each of its plans of trouble (`plans.ts`): kill -9 at every effect, twice in a
 * row, or one thing seen wrongly. A new process takes over a second after each death. The world at
 * the end must be the same as that of the undisturbed run, and everything must have been made as
 * often: nothing twice, nothing left over.
 */
import assert from 'node:assert/strict';
import type { FaultName } from '../../src/sim/faults/kinds.ts';
import { hostOf, imageOf } from '../fakes/builders.ts';
import { again } from './again.ts';
import { alone } from './alone.ts';
import { crashPlans, type Plan, PointedChoice, viewFaults, viewPlans } from './plans.ts';
import { type Workload, workloads } from './workloads.ts';
import { World } from './world.ts';

export const kinds = ['one death', 'crash', 'view'] as const;
export type Kind = (typeof kinds)[number];

export function isKind(text: string | undefined): text is Kind {
  return kinds.some((kind) => kind === text);
}

/** Plans of a workload by their numbers: all from one to before another, or one in so many. */
export interface PlanRange {
  workload: string;
  kind: Kind;
  from: number;
  to: number;
  step?: number;
}

export interface SweepResult {
  plays: number;
  /** Each that differs, with the place of the trouble. */
  failures: string[];
}

interface Reference {
  world: World;
  plans: Record<Kind, Plan[]>;
}

/** How many plans of each kind the workload has. */
export async function planCounts(workload: string): Promise<Record<Kind, number>> {
  const { plans } = await reference(workload);
  return {
    'one death': plans['one death'].length,
    crash: plans.crash.length,
    view: plans.view.length,
  };
}

/** Runs those plans; what ends otherwise than the undisturbed run is told. */
export async function sweepPlans(range: PlanRange): Promise<SweepResult> {
  const { workload, kind, from, to, step = 1 } = range;
  const { world, plans } = await reference(workload);
  const result: SweepResult = { plays: 0, failures: [] };
  for (const [index, plan] of plans[kind].slice(from, to).entries()) {
    if (index % step !== 0) continue;
    const difference = await differs(named(workload), plan, world);
    result.plays += 1;
    if (difference === undefined) continue;
    const line = again.plan(kind, from + index, workload);
    result.failures.push(`${workload}: ${placeOf(plan, world)} (${line}): ${difference}`);
  }
  return result;
}

const references = new Map<string, Promise<Reference>>();

function reference(name: string): Promise<Reference> {
  const known = references.get(name) ?? undisturbed(named(name));
  references.set(name, known);
  return known;
}

async function undisturbed(workload: Workload): Promise<Reference> {
  const choice = new PointedChoice(undefined);
  const world = await playAlone(workload, { crashes: [] }, choice);
  assert.deepEqual(world.watched.violations, []);
  const places = new Map<FaultName, number>(
    viewFaults.map((fault) => [fault, choice.places.get(fault) ?? 0]),
  );
  const crash = crashPlans(world.effects.names.length);
  const oneDeath = crash.filter(({ crashes }) => crashes.length === 1);
  return { world, plans: { 'one death': oneDeath, crash, view: viewPlans(places) } };
}

function named(name: string): Workload {
  const workload = workloads.find((each) => each.name === name);
  if (workload === undefined) throw new RangeError(`no workload ${name}`);
  return workload;
}

async function differs(workload: Workload, plan: Plan, like: World): Promise<string | undefined> {
  try {
    const world = await playAlone(workload, plan, new PointedChoice(plan.fault));
    assert.ok(world.struck > 0 || plan.crashes.length === 0, 'it did not die');
    assert.deepEqual(world.watched.violations, []);
    assert.deepEqual(world.thrown, []);
    assert.deepEqual(world.picture(), like.picture());
    assert.deepEqual(toldIn(world), toldIn(like));
    assert.deepEqual(world.watched.made(), like.watched.made());
    return undefined;
  } catch (thrown) {
    return String(thrown);
  }
}

/** What schedulers and statuses say in the end, without times and how often something was tried. */
function toldIn({ slurm, state }: World) {
  const records = slurm.clusters().map((cluster) => {
    const known = [...cluster.records.values()];
    return [cluster.name, known.map(({ name, closed, up }) => [name, closed, up]).sort()];
  });
  const statuses = state.names().map((name) => {
    const { conditions = [], nodes = [] } = state.status(`default/${name}`) ?? {};
    return [
      name,
      conditions.map(({ type, status, reason }) => [type, status, reason]),
      nodes.map(({ name, phase, reason, upToDate }) => [name, phase, reason, upToDate]),
    ];
  });
  return { records: records.sort(), statuses: statuses.sort() };
}

function placeOf({ crashes, fault }: Plan, like: World): string {
  if (fault) return `${fault.name} at its place ${fault.at}`;
  return crashes
    .map(({ effect, when }) => `death ${when} effect ${effect} (${like.effects.names[effect - 1]})`)
    .join(', then ');
}

async function playAlone(...run: Parameters<typeof play>): Promise<World> {
  const { value, floating } = await alone(() => play(...run));
  if (floating.length > 0) throw floating[0];
  return value;
}

async function play(workload: Workload, plan: Plan, choice: PointedChoice): Promise<World> {
  const mixture = new Map(viewFaults.map((fault) => [fault, 1]));
  const world = new World({ choice, mixture });
  world.source.put(hostOf());
  world.source.put(imageOf());
  for (const cluster of workload.clusters) world.source.put(cluster);
  await world.start(...plan.crashes);
  await workload.run(world);
  // What is still under way ends, and what should rest does.
  await world.clock.advance(60_000);
  // A read that hangs at the very end is told of until the next one.
  if (world.injector) world.injector.active = false;
  await world.clock.advance(120_000);
  return world;
}
