/** What several nets do to a world. */
import { clusterOf } from '../../fakes/builders.ts';
import { runJob } from '../scenes.ts';
import type { World } from '../world.ts';

const minute = 60_000;

/** The job ends, and while the host makes a listing a person has the node back, with another job. */
export async function reopenBetweenListings(
  world: World,
  node: string,
  job: string,
): Promise<void> {
  const { slurm, hypervisor, clock } = world;
  let lists = 0;
  hypervisor.faults.mishap = (call) => {
    if (call !== 'inventory') return undefined;
    lists += 1;
    return { delayMs: 25_000 };
  };
  await clock.advance(2 * minute);
  slurm.endJob('alpha', job);
  const before = lists;
  await world.until('the scheduler has been asked', () => lists > before + 1);
  await clock.advance(10_000);
  slurm.resumeByHand('alpha', node);
  await runJob(world, node);
}

/** Until a person resets what still does. */
export async function hang(world: World, ...nodes: string[]): Promise<void> {
  const { hypervisor, clock } = world;
  await clock.advance(5 * minute);
  const domains = nodes.flatMap((node) => world.domain(node) ?? []);
  for (const domain of domains) hypervisor.hang(domain);
  await clock.advance(60 * minute);
  for (const domain of domains.filter(({ hung }) => hung)) {
    hypervisor.powerOff(domain, 'destroyed');
    hypervisor.start(domain);
  }
  await clock.advance(30 * minute);
}

/** Its end is no order that can be met: only what happened on the way is judged. */
export function withoutEnd(world: World, ...names: string[]): void {
  for (const name of names.length > 0 ? names : ['alpha']) {
    world.source.put(clusterOf({ name, spec: { paused: true } }));
  }
}
