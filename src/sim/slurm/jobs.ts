/** The queue of one slurmctld: who waits, who runs where, who is ending. */
import type { Machine } from './machine.ts';
import { cpusOf, isIn, type JobRecord, type NodeRecord } from './records.ts';
import type { Slurmctld } from './slurmctld.ts';
import type { Registration } from './slurmd.ts';

const scheduleAfterMs = 500;
const completingMs = 200;
/** Until a job whose node did not take it is queued again. */
const launchTimeoutMs = 10_000;

export class Jobs {
  readonly all = new Map<string, JobRecord>();
  nextId = 1;
  readonly #daemon: Slurmctld;
  readonly #machine: Machine;
  #isScheduling = false;

  constructor(daemon: Slurmctld, machine: Machine) {
    this.#daemon = daemon;
    this.#machine = machine;
  }

  restore(jobs: JobRecord[], nextId: number): void {
    this.nextId = nextId;
    for (const job of jobs) {
      this.all.set(job.id, job);
      if (job.state === 'COMPLETING') this.#finish(job);
    }
  }

  submit(job: Pick<JobRecord, 'count' | 'wanted' | 'partition' | 'exclusive'>): string {
    const id = String(this.nextId);
    this.nextId += 1;
    this.all.set(id, { ...job, id, state: 'PENDING', comment: '', nodes: [], startedAt: 0 });
    this.#daemon.changed();
    return id;
  }

  /** Jobs that hold that node. */
  on(name: string): JobRecord[] {
    return [...this.all.values()].filter(({ nodes }) => nodes.includes(name));
  }

  allocated(node: NodeRecord): number {
    if (this.#daemon.hasLostCount || node.down) return 0;
    const running = this.on(node.name).filter(({ state }) => state === 'RUNNING');
    return running.reduce((sum, job) => sum + cpusOf(job, node), 0);
  }

  cancel(id: string): boolean {
    const job = this.all.get(id);
    if (job === undefined) return false;
    if (job.state === 'PENDING') this.all.delete(id);
    else this.#finish(job);
    this.#daemon.changed();
    return true;
  }

  /** Its last process ended by itself. */
  ended(id: string): void {
    const job = this.all.get(id);
    if (job?.state === 'RUNNING') this.#finish(job);
    this.#daemon.changed();
  }

  requeueFrom(node: NodeRecord): void {
    for (const job of this.on(node.name)) this.#requeue(job);
  }

  /** What a node says that it runs, against what is known of it. */
  reported(node: NodeRecord, { jobs, bootTime }: Registration): void {
    for (const id of jobs) {
      const job = this.all.get(id);
      const isHere = job?.state === 'RUNNING' && job.nodes.includes(node.name);
      if (!isHere) this.#daemon.machineOf(node)?.processes.delete(id);
    }
    for (const job of this.on(node.name)) {
      if (job.state !== 'RUNNING' || jobs.has(job.id)) continue;
      if (bootTime * 1000 > job.startedAt) this.#requeue(job);
      else this.#finish(job);
    }
  }

  scheduleSoon(): void {
    const waits = [...this.all.values()].some(({ state }) => state === 'PENDING');
    if (!waits || this.#isScheduling) return;
    this.#isScheduling = true;
    this.#daemon.after(scheduleAfterMs, () => {
      this.#isScheduling = false;
      for (const job of this.all.values()) if (job.state === 'PENDING') this.#tryStart(job);
    });
  }

  #tryStart(job: JobRecord): void {
    const { conf, nodes } = this.#daemon;
    const partition = conf.partitions.find(({ name }) => name === job.partition);
    if (partition === undefined) return;
    const free = [...nodes.values()].filter(
      (node) =>
        isIn(partition, node, conf) &&
        !node.down &&
        !node.drain &&
        !node.notResponding &&
        this.allocated(node) + cpusOf(job, node) <= node.cpus &&
        !this.on(node.name).some(({ state }) => state === 'COMPLETING'),
    );
    const wanted = free.filter(({ name }) => job.wanted.includes(name));
    if (wanted.length < job.wanted.length) return;
    const others = free.filter((node) => !wanted.includes(node));
    const chosen = [...wanted, ...others].slice(0, job.count);
    if (chosen.length < job.count) return;
    this.#start(job, chosen);
  }

  #start(job: JobRecord, nodes: NodeRecord[]): void {
    job.state = 'RUNNING';
    job.nodes = nodes.map(({ name }) => name);
    job.startedAt = this.#machine.clock.now();
    const silent = nodes.filter((node) => this.#daemon.machineOf(node) === undefined);
    if (silent.length === 0) {
      for (const node of nodes) this.#daemon.machineOf(node)?.processes.add(job.id);
    } else {
      this.#daemon.after(launchTimeoutMs, () => {
        if (job.state !== 'RUNNING') return;
        for (const node of silent) node.notResponding = true;
        this.#requeue(job);
        this.#daemon.changed();
      });
    }
    this.#daemon.changed();
  }

  #requeue(job: JobRecord): void {
    this.#killProcesses(job);
    job.state = 'PENDING';
    job.nodes = [];
  }

  #finish(job: JobRecord): void {
    this.#killProcesses(job);
    job.state = 'COMPLETING';
    this.#daemon.after(completingMs, () => {
      this.all.delete(job.id);
      this.#daemon.changed();
    });
  }

  #killProcesses(job: JobRecord): void {
    for (const name of job.nodes) {
      const node = this.#daemon.nodes.get(name);
      const machine = node && this.#daemon.machineOf(node);
      machine?.processes.delete(job.id);
    }
  }
}
