/**
 * Rounds of the Slurm module against the machines of the lab: what the controller does around it
 * (visits, files, units, power), as small as can be. Units run in the foreground here.
 */
import { cpus, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuestAction } from '../../../src/controllers/bench-cluster/action.ts';
import type {
  SchedulerPlan,
  UnitView,
  Verdict,
} from '../../../src/controllers/schedulers/scheduler.ts';
import type { SlurmNode, SlurmScope } from '../../../src/controllers/schedulers/slurm/scope.ts';
import { slurm } from '../../../src/controllers/schedulers/slurm/slurm.ts';
import type { SlurmView } from '../../../src/controllers/schedulers/slurm/view.ts';
import type { SlurmSpec } from '../../../src/crd/bench-cluster.ts';
import { quote } from '../../../src/lib/quote.ts';
import type { SlurmLab } from './lab.ts';

export interface Member {
  machine: string;
  name: string;
  role: 'controlPlane' | 'worker';
  pool: string;
  removal?: { reason: string; since: number };
  drain?: { timeoutMs: number; onTimeout: 'Wait' | 'Force' };
}

export interface Round extends SchedulerPlan {
  view?: SlurmView;
  viewError?: string;
}

type Unit = UnitView & { endedAt: number };

export class Rounds {
  readonly #lab: SlurmLab;
  readonly members: Member[];
  config: SlurmSpec = { config: {} };
  /** Pools besides those that have members. */
  pools: string[] = [];
  /** The action kinds and reasons of all rounds, for those who count. */
  readonly log: string[] = [];
  readonly #secret: Uint8Array | Promise<Uint8Array>;
  readonly #units = new Map<string, Map<string, Unit>>();
  readonly #visited = new Set<string>();

  /** With a munge key of the module's own making, if no other is given. */
  constructor(lab: SlurmLab, members: Member[], secret?: Uint8Array) {
    this.#lab = lab;
    this.members = members;
    const make = slurm.secrets['munge.key'];
    if (make === undefined) throw new Error('no munge key');
    this.#secret = secret ?? make();
  }

  member(name: string): Member {
    const member = this.members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`no member ${name}`);
    return member;
  }

  head(): Member {
    return this.member(this.members.find(({ role }) => role === 'controlPlane')?.name ?? '');
  }

  async powerOn(name: string): Promise<void> {
    await this.#lab.powerOn(this.member(name).machine);
  }

  async powerOff(name: string): Promise<void> {
    this.#units.delete(name);
    this.#visited.delete(name);
    await this.#lab.powerOff(this.member(name).machine);
  }

  async wipe(name: string): Promise<void> {
    await this.powerOff(name);
    await this.#lab.wipe(this.member(name).machine);
  }

  /** A command on the head, as a person types it. */
  async onHead(script: string): Promise<string> {
    const result = await this.#lab.run(this.head().machine, script);
    if (result.exitCode !== 0) throw new Error(`${script}: ${result.stderr}${result.stdout}`);
    return result.stdout;
  }

  async observe(): Promise<SlurmScope> {
    const head = this.head();
    const asked: Pick<SlurmScope, 'view' | 'viewError'> = { viewError: 'the head is off' };
    if (this.#lab.isOn(head.machine)) {
      const { exitCode, stdout, stderr } = await this.#lab.run(head.machine, slurm.viewScript);
      try {
        if (exitCode !== 0) throw new Error(`${stdout}${stderr}`);
        asked.view = slurm.parseView(stdout);
        delete asked.viewError;
      } catch (thrown) {
        asked.viewError = String(thrown);
      }
    }
    const nodes = await Promise.all(this.members.map((member) => this.#node(member, asked.view)));
    const cluster = { namespace: 'default', name: 'slurm-a', uid: 'u' };
    const { config, pools } = this;
    return { cluster, config, pools, nodes, ...asked, now: Date.now() };
  }

  async #node(member: Member, view?: SlurmView): Promise<SlurmNode> {
    const { machine, name, removal } = member;
    const isOn = this.#lab.isOn(machine);
    const mayPass =
      member.role === 'worker' && this.#visited.has(name) && view && slurm.isReady(view, name);
    const node: SlurmNode = {
      name,
      role: member.role,
      pool: member.pool,
      wanted: removal ? 'removed' : 'present',
      ...(removal && {
        removalReason: removal.reason,
        removalSince: removal.since,
        removalTold: removal.since,
      }),
      drain: member.drain ?? { timeoutMs: 600_000, onTimeout: 'Wait' },
      running: isOn,
      off: !isOn,
      ...(isOn && { address: this.#lab.address(machine) }),
    };
    if (!isOn || mayPass) return node;
    const { stdout } = await this.#lab.run(machine, slurm.factsScript);
    this.#visited.add(name);
    const facts = {
      bootId: 'b',
      hostname: (await this.#lab.run(machine, 'hostname')).stdout.trim(),
      cpus: cpus().length,
      memoryMiB: Math.floor(totalmem() / 2 ** 20),
      units: this.#unitViews(name),
      scheduler: slurm.parseFacts(stdout),
    };
    return { ...node, facts };
  }

  #unitViews(name: string): UnitView[] {
    return [...(this.#units.get(name)?.values() ?? [])].map(({ endedAt, ...unit }) => ({
      ...unit,
      ...(unit.activeState === 'failed' && { endedSecondsAgo: (Date.now() - endedAt) / 1000 }),
    }));
  }

  async round(): Promise<Round> {
    const scope = await this.observe();
    const result = slurm.plan(scope);
    for (const { why, node, action } of result.actions)
      this.log.push(`${action.kind} ${node}: ${why}`);
    await Promise.all(result.actions.map(({ node, action }) => this.execute(node, action)));
    const { view, viewError } = scope;
    return { ...result, ...(view && { view }), ...(viewError !== undefined && { viewError }) };
  }

  async execute(name: string, action: GuestAction): Promise<void> {
    const { machine } = this.member(name);
    if (action.kind === 'runScript') {
      await this.#lab.run(machine, action.script);
      return;
    }
    const units = this.#units.get(name) ?? new Map<string, Unit>();
    this.#units.set(name, units);
    const before = units.get(action.unit);
    if (before?.activeState === 'active') return;
    for (const file of action.files) {
      const bytes = 'text' in file.content ? Buffer.from(file.content.text) : await this.#secret;
      const path = quote(file.path);
      const dir = quote(file.path.replace(/\/[^/]*$/, ''));
      const script = `set -e; mkdir -p ${dir}; base64 -d >${path}.tmp; chown ${file.owner} ${path}.tmp
        chmod ${file.mode} ${path}.tmp; mv ${path}.tmp ${path}`;
      const written = await this.#lab.run(machine, script, Buffer.from(bytes).toString('base64'));
      if (written.exitCode !== 0) throw new Error(written.stderr);
    }
    const { exitCode, stdout, stderr } = await this.#lab.run(machine, action.script);
    units.set(action.unit, {
      name: `benchcluster-${action.unit}.service`,
      activeState: exitCode === 0 ? 'active' : 'failed',
      result: exitCode === 0 ? 'success' : 'exit-code',
      exitStatus: exitCode,
      attempts: (before?.attempts ?? 0) + 1,
      journalTail: `${stdout}${stderr}`.slice(-1500),
      endedAt: Date.now(),
    });
  }

  /** Rounds until `check` holds for the verdicts and the view of one of them. */
  async until(what: string, check: (round: Round) => boolean, timeoutMs = 30_000): Promise<Round> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const round = await this.round();
      if (check(round)) return round;
      if (Date.now() > end) {
        throw new Error(`not within ${timeoutMs} ms: ${what}\n${await this.#story(round)}`);
      }
      await sleep(100);
    }
  }

  /** What a person needs to understand a failure. */
  async #story(round: Round): Promise<string> {
    const view = round.view && [...round.view.nodes.values(), ...round.view.jobs];
    const head = this.head().machine;
    const log = this.#lab.isOn(head)
      ? (await this.#lab.run(head, 'tail -n 40 /run/substitute/slurmctld.log')).stdout
      : 'the head is off';
    const verdicts = [...round.verdicts].map((verdict) => JSON.stringify(verdict)).join('\n');
    const records = view?.map((record) => JSON.stringify(record)).join('\n') ?? round.viewError;
    return `${verdicts}\n${records}\n${log}`;
  }

  untilVerdict(name: string, kind: Verdict['kind'], reason?: string): Promise<Round> {
    return this.until(`${name} is ${kind}`, ({ verdicts }) => {
      const verdict = verdicts.get(name);
      if (verdict?.kind !== kind) return false;
      return reason === undefined || ('reason' in verdict && verdict.reason === reason);
    });
  }

  untilAllReady(): Promise<Round> {
    return this.until('all are ready', ({ verdicts }) =>
      [...verdicts.values()].every(({ kind }) => kind === 'ready'),
    );
  }
}
