/**
 * Drill B4: the controller's process is killed (SIGKILL) at every effect of a cluster's life, on a
 * real libvirt with guests that have no operating system. In one life each process dies after its
 * first effect, before it hears the answer, in the next after its second, and so on; in others each
 * dies before its second or third. An upload
 * begins anew each time, so a process that came no further than an earlier one is followed by one
 * that does two effects more. All must end as an undisturbed one ends, with each domain and
 * disk made and removed as often. Each process must come to its first effect soon (L6); one that
 * had to wait for the next edit counts with its wait. Meanwhile no secret comes to light (B31).
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bareCluster, isRunning, mortalEnv, writeBareImage } from './drills/bare.ts';
import { Canaries } from './drills/canaries.ts';
import { recordExecs } from './drills/exec-record.ts';
import { type HostCounts, HostWatch } from './drills/host-watch.ts';
import { type Bench, createBench, worldOf } from './test-bench.ts';

const programs = recordExecs();
const name = 'mortal';
const wantedPoints = 200;
const wantedReports = 8;
/** L6: from the start of a process to its first effect. */
const soonMs = 10_000;

interface Life {
  standing: string;
  gone: string;
  counts: HostCounts;
}

/** libvirt lists what runs in the order in which it was started. */
async function sortedWorld(bench: Bench): Promise<string> {
  return (await worldOf(bench)).split('\n').sort().join('\n');
}

/** Everything that is defined, to the byte, and the files. */
async function definedOn(bench: Bench): Promise<string> {
  const domains = (await bench.virsh('list', '--all', '--name')).trim().split('\n').sort();
  const texts = domains.map((domain) => bench.virsh('dumpxml', '--inactive', domain));
  return [await sortedWorld(bench), ...(await Promise.all(texts))].join('\n');
}

interface Scene {
  bench: Bench;
  watch: HostWatch;
  canaries: Canaries;
}

/** Made with two workers, grown to four, deleted. */
async function live({ bench, watch, canaries }: Scene): Promise<Life> {
  canaries.plant(bench, name);
  for (const workers of [2, 4]) {
    await bench.write('mortal.yaml', bareCluster(name, workers));
    await bench.until(name, `${workers} workers`, isRunning(workers + 1), 300_000);
  }
  const standing = await definedOn(bench);
  await canaries.lookAtBench(bench, name);
  await bench.remove('mortal.yaml');
  await bench.until(name, 'it is gone', (status) => status === undefined, 300_000);
  return { standing, gone: await sortedWorld(bench), counts: await watch.take(5) };
}

interface Counts {
  points: number;
  effects: number;
  /** How old each process was at its first effect. */
  ages: number[];
}

/** At which effect or report of its own, counted from 1, the first process of a life dies. */
interface Mortal {
  of: 'effects' | 'reports';
  side: Side;
  first: number;
}

/** When each process of a life dies. */
class Deaths {
  readonly #trace: string;
  readonly #times: string;
  readonly #mortal: Mortal;
  readonly #seen = new Set<string>();
  #read = 0;
  #more = 0;

  /** Each process dies at its effect number `first`, or a later one. */
  constructor(trace: string, mortal: Mortal) {
    this.#trace = trace;
    this.#times = `${trace}-times`;
    this.#mortal = mortal;
    for (const file of [this.#trace, this.#times]) writeFileSync(file, '');
  }

  #lines(file = this.#trace): string[] {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  }

  next(): Record<string, string> {
    const lines = this.#lines();
    const last = lines.slice(this.#read).join();
    this.#read = lines.length;
    const { of, side, first } = this.#mortal;
    // Each process begins with a report, so only one that does more comes further.
    if (of === 'reports') this.#more = this.counts().points;
    else this.#more = this.#seen.has(last) ? this.#more + 2 : 0;
    this.#seen.add(last);
    return {
      DRILL_DIE_OF: of,
      DRILL_DIE_AT: `${first + this.#more}`,
      DRILL_DIE_SIDE: side,
      DRILL_TRACE: this.#trace,
      DRILL_TIMES: this.#times,
    };
  }

  counts(): Counts {
    const lines = this.#lines();
    const points = lines.filter((line) => line.startsWith('killed')).length;
    const ages = this.#lines(this.#times).map(Number);
    return { points, effects: lines.length - points, ages };
  }
}

type Side = 'before' | 'after';

/** An undisturbed life, then one for each way to die. */
async function drill(lives: readonly Mortal[], canaries: Canaries): Promise<Counts[]> {
  await using bench = await createBench();
  using watch = new HostWatch(bench.lab);
  await writeBareImage(bench);
  bench.startController();
  await bench.untilLog(/controller started/);
  canaries.learn(bench);
  const scene = { bench, watch, canaries };
  const reference = await live(scene);
  await bench.stopController('SIGTERM');
  const all: Counts[] = [];
  for (const [index, mortal] of lives.entries()) {
    const deaths = new Deaths(join(bench.state, '..', `trace-${index}`), mortal);
    const life = await dyingLife(scene, deaths);
    assert.deepEqual(life, reference, JSON.stringify(mortal));
    all.push(deaths.counts());
  }
  return all;
}

async function dyingLife(scene: Scene, deaths: Deaths): Promise<Life> {
  const { bench } = scene;
  let over = false;
  const dying = (async () => {
    while (!over) {
      bench.startController(mortalEnv({ ...deaths.next(), DRILL_STATE: bench.state }));
      const end = await bench.controllerEnd();
      if (!over) assert.equal(end, 'SIGKILL', await bench.log());
    }
  })();
  const life = await Promise.race([
    live(scene),
    dying.then(() => assert.fail('the controller ended by itself')),
  ]).finally(() => {
    over = true;
  });
  await bench.stopController('SIGTERM');
  await dying;
  return life;
}

describe('drill B4', { timeout: 1_200_000 }, () => {
  it('a controller killed at every effect leaves the world of one that was not', async (t) => {
    const began = performance.now();
    const effects = (side: Side, ...firsts: number[]) =>
      firsts.map((first): Mortal => ({ of: 'effects', side, first }));
    const reports: Mortal = { of: 'reports', side: 'after', first: 1 };
    const canaries = new Canaries(programs);
    const [after, [atReports, ...before]] = await Promise.all([
      drill(effects('after', 1, 2, 3), canaries),
      drill([reports, ...effects('before', 2, 3)], canaries),
    ]);
    const total = (counts: Counts[], of: 'points' | 'effects') =>
      counts.reduce((sum, each) => sum + each[of], 0);
    const points = total([...after, ...before], 'points');
    const seconds = Math.round((performance.now() - began) / 1000);
    t.diagnostic(
      `B4: ${points} kills of the controller (${total(after, 'points')} after, ` +
        `${total(before, 'points')} before an effect) over ` +
        `${total([...after, ...before], 'effects')} effects, and ${atReports?.points} at ` +
        `reports: 6 lives, each equal to an undisturbed one; ${seconds} s`,
    );
    canaries.lookAtPrograms();
    t.diagnostic(`B31: ${canaries.report()}`);
    assert.deepEqual([...canaries.hits], []);
    assert.ok(canaries.programs > 1_000 && canaries.texts > 100, canaries.report());
    const ages = [...after, ...before].flatMap((life) => life.ages).sort((a, b) => a - b);
    const worst = ages.at(-1) ?? assert.fail('no process came to an effect');
    t.diagnostic(
      `L6: ${ages.length} processes came to their first effect after ${ages[0]} ms at best, ` +
        `${ages[Math.floor(ages.length / 2)]} in the middle, ${worst} at worst`,
    );
    assert.ok(worst <= soonMs, `a process took ${worst} ms to its first effect`);
    assert.ok((atReports?.points ?? 0) >= wantedReports, `${atReports?.points} at reports`);
    assert.ok(points >= wantedPoints, `${points} crash points`);
  });
});
