/**
 * Drill B18: workers join, run a job, are drained, powered off and forgotten by the module's own
 * rounds, on a real slurmctld and three real slurmd -Z, while slurmctld is killed (SIGKILL) at twenty
 * moments of five such lives. What is safe is asked of Slurm and of the machine itself. Meanwhile
 * the munge key comes to light nowhere (B31).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { missingForLab, SlurmLab } from '../contract/slurm/lab.ts';
import { type Member, type Round, Rounds } from '../contract/slurm/rounds.ts';
import { Canaries, filesBelow } from './drills/canaries.ts';
import { recordExecs } from './drills/exec-record.ts';
import { eventually } from './test-bench.ts';

const missing = missingForLab();
const canaries = new Canaries(missing === undefined ? recordExecs() : () => Buffer.alloc(0));
const head = 'slurm-a-head-0';
const workers = ['slurm-a-compute-0', 'slurm-a-compute-1', 'slurm-a-compute-2'];
const lives = 5;
const stages = ['joining', 'running', 'draining', 'leaving'] as const;
const slowMs = 90_000;

function member(machine: string, name: string, pool: string): Member {
  return { machine, name, pool, role: pool === 'head' ? 'controlPlane' : 'worker' };
}

describe('drill B18', { skip: missing ?? false, timeout: 900_000 }, () => {
  let lab: SlurmLab;
  let rounds: Rounds;
  let kills = 0;
  let completed = 0;

  before(async () => {
    if (missing !== undefined) return;
    lab = await SlurmLab.start(['head', 'w0', 'w1', 'w2']);
    const members = [
      member('head', head, 'head'),
      ...workers.map((name, index) => member(`w${index}`, name, 'compute')),
    ];
    rounds = new Rounds(lab, members, canaries.key);
    await Promise.all(rounds.members.map(({ name }) => rounds.powerOn(name)));
    await rounds.until('all are ready', allReady, slowMs);
  });
  after(async () => {
    await lab?.stop();
  });

  const allReady = ({ verdicts }: Round) =>
    [...verdicts.values()].every(({ kind }) => kind === 'ready');

  /** Rounds until it holds, and slurmctld dies after so many of them; then until it holds again. */
  async function through(what: string, moment: number, holds: (round: Round) => boolean) {
    for (let count = 0; count < moment; count += 1) await rounds.round();
    await lab.run('head', 'kill -9 $(pidof slurmctld)');
    kills += 1;
    return rounds.until(what, holds, slowMs);
  }

  /** Slurm's own word; it may be down for a moment. */
  function ask(script: string): Promise<string> {
    const answer = () => rounds.onHead(script).then((text) => `is ${text.trim()}`, String);
    return eventually(script, answer, (text) => text.startsWith('is '), slowMs).then((text) =>
      text.slice(3),
    );
  }

  /** A job that will end by itself, and that a restarted slurmctld knows of. */
  async function submit(name: string): Promise<string> {
    const id = await ask(
      `cd /tmp && sbatch --parsable -w ${name} -o /dev/null --wrap 'sleep 6; exit 0'`,
    );
    const saved = `scontrol update jobid=${id} comment=saved-${id} &&
      grep -c saved-${id} /var/lib/slurm/slurmctld/job_state || :`;
    await eventually(
      `job ${id} is saved`,
      () => ask(saved),
      (count) => count !== '0',
      slowMs,
    );
    return id;
  }

  async function live(name: string, life: number): Promise<void> {
    const one = rounds.member(name);
    await through(`${name} joins`, life, allReady);
    const job = await submit(name);
    await through(`${name} is ready`, life % 2, allReady);
    one.removal = { reason: 'replicas lowered', since: Date.now() };
    await rounds.round();
    await through(`${name} is drained`, life % 3, ({ verdicts, view }) => {
      return view !== undefined && verdicts.get(name)?.kind === 'drained';
    });
    // The moment before the power goes off.
    assert.match(await ask(`scontrol -o show node ${name}`), /State=\S*DRAIN/);
    assert.equal(await ask(`squeue -h -w ${name} -t RUNNING,COMPLETING,SUSPENDED -o %i`), '');
    const steps = await lab.run(one.machine, 'pidof slurmstepd');
    assert.equal(steps.stdout, '', 'no job runs on a machine that is powered off');
    const state = await ask(`squeue -h -j ${job} -t all -o %T`);
    assert.match(state, /^(COMPLETED|PENDING)$/, `job ${job} was not ended by us`);
    if (state === 'COMPLETED') completed += 1;
    else await ask(`scancel ${job}`);
    await rounds.wipe(name);
    const isGone = ({ verdicts, view }: Round) =>
      verdicts.get(name)?.kind === 'absent' && view?.nodes.has(name) === false;
    await rounds.until(`${name} is forgotten`, isGone, slowMs);
    // What slurmctld had not saved comes back with it, and is forgotten again.
    await through(`${name} is forgotten for good`, life % 2, isGone);
    assert.doesNotMatch(await ask('sinfo -h -N -o %N'), new RegExp(name));
    delete one.removal;
    await rounds.powerOn(name);
  }

  /** What the machines have written, but for the key itself, and what runs on them. */
  async function lookForTheKey(): Promise<void> {
    const files = filesBelow(lab.dir);
    const isKey = (path: string) => path.endsWith('/etc/munge/munge.key');
    assert.equal(files.filter(isKey).length, rounds.members.length);
    canaries.lookAtFiles(files.filter((path) => !isKey(path)));
    for (const { machine } of rounds.members) {
      const script =
        'find /run -type f -exec cat {} +; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ';
      canaries.look(`what runs on ${machine}`, (await lab.run(machine, script)).stdout);
    }
    canaries.look('what the rounds tell', rounds.log.join('\n'));
    canaries.look('the view', await ask(`scontrol show config; scontrol show node; sinfo`));
    canaries.lookAtPrograms();
  }

  it('nothing is destroyed before it is drained, and nothing stays', async (t) => {
    const began = performance.now();
    for (let life = 0; life < lives; life += 1) {
      await live(workers[life % workers.length] ?? '', life);
    }
    const last = await rounds.until('all are ready', allReady, slowMs);
    assert.deepEqual([...(last.view?.nodes.keys() ?? [])].sort(), workers);
    const seconds = Math.round((performance.now() - began) / 1000);
    t.diagnostic(
      `B18: ${kills} kills of slurmctld in ${lives} lives (${stages.join(', ')}), ${completed} of ` +
        `${lives} jobs completed, 0 on a machine that was powered off, 0 records left; ${seconds} s`,
    );
    assert.equal(kills, lives * stages.length);
    await lookForTheKey();
    t.diagnostic(`B31: ${canaries.report()}`);
    assert.deepEqual([...canaries.hits], []);
    assert.ok(canaries.programs > 1_000 && canaries.texts > 20, canaries.report());
  });
});
