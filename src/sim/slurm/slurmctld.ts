/**
 * slurmctld, with the habits that were measured on the real 22.05.8: what it knows is written at
 * most every five seconds, so a hard death loses the latest; after a start every node is idle, responding and not
 * registered until it was asked; a registration changes no record but brings a node back.
 */
import { ConfFault, type SlurmConf } from './conf.ts';
import { Jobs } from './jobs.ts';
import type { Machine } from './machine.ts';
import { trust } from './network.ts';
import { type NodeRecord, readState, writeState } from './records.ts';
import type { Registration } from './slurmd.ts';

const startMs = 300;
/** From one writing of its state to the next at least; the first after a rest comes at once. */
const betweenSavesMs = 5500;
const saveMs = 20;
/** From the start until the nodes of the saved state are asked to register. */
const askAfterMs = 4500;
/** From `resume` or `undrain` until the node has registered. */
const resumeAskMs = 700;
const confPath = '/etc/slurm/slurm.conf';

export class Slurmctld {
  readonly nodes = new Map<string, NodeRecord>();
  readonly jobs: Jobs;
  conf: SlurmConf;
  confText = '';
  isListening = false;
  /** After `reconfigure`, until a restart, jobs on dynamic nodes are not counted any more. */
  hasLostCount = false;
  readonly #machine: Machine;
  readonly #died: (message: string) => void;
  readonly #answeredAt = new Map<string, number>();
  #isOver = false;
  #isSaving = false;
  #savedAt = 0;

  constructor(machine: Machine, died: (message: string) => void) {
    this.#machine = machine;
    this.#died = died;
    this.conf = { ...noConf };
    this.jobs = new Jobs(this, machine);
  }

  start(): void {
    try {
      this.confText = this.#machine.read(confPath) ?? '';
      this.conf = this.#machine.network.confs.read(this.confText);
    } catch (thrown) {
      if (!(thrown instanceof ConfFault)) throw thrown;
      const message = `error: ${thrown.message}\nfatal: Unable to process configuration file`;
      this.after(0, () => this.#died(message));
      return;
    }
    this.after(startMs, () => this.#open());
  }

  end(): void {
    this.#isOver = true;
    this.isListening = false;
  }

  /** What it knows, to the disk, now. */
  save(): void {
    if (!this.isListening) return;
    writeState(this.#machine.standing.disk, {
      nextId: this.jobs.nextId,
      nodes: [...this.nodes.values()],
      jobs: [...this.jobs.all.values()],
    });
  }

  /** Something changed: pending jobs may start, and it is on the disk at once or seconds later. */
  changed(): void {
    this.jobs.scheduleSoon();
    if (this.#isSaving) return;
    this.#isSaving = true;
    const restMs = this.#savedAt + betweenSavesMs - this.#machine.clock.now();
    this.after(Math.max(saveMs, restMs), () => {
      this.#isSaving = false;
      this.#savedAt = this.#machine.clock.now();
      this.save();
    });
  }

  /** From a slurmd that fetched its configuration here. */
  register(by: Registration): void {
    const known = this.nodes.get(by.name);
    const node = known ?? {
      name: by.name,
      address: by.address,
      cpus: by.cpus,
      memoryMiB: by.memoryMiB,
      features: by.features,
      ...{ down: false, drain: false, invalid: false, notResponding: false },
    };
    this.nodes.set(by.name, node);
    this.#answeredAt.set(by.name, this.#machine.clock.now());
    node.bootTime = by.bootTime;
    node.slurmdStartTime = by.slurmdStartTime;
    const low = by.cpus < node.cpus ? 'CPUs' : by.memoryMiB < node.memoryMiB ? 'RealMemory' : '';
    node.invalid = low !== '';
    node.notResponding = false;
    if (node.invalid) {
      if (!node.drain) this.blame(node, `Low ${low}`, 'slurm');
      node.drain = true;
    } else if (node.down) {
      node.down = false;
      if (!node.drain) delete node.reason;
    }
    this.jobs.reported(node, by);
    this.changed();
  }

  blame(node: NodeRecord, text: string, user: string): void {
    node.reason = { text, user, at: Math.floor(this.#machine.clock.now() / 1000) };
  }

  /** Its jobs are queued again. */
  takeDown(node: NodeRecord): void {
    node.down = true;
    this.jobs.requeueFrom(node);
    this.changed();
  }

  /** Counts as silent until it registers, which it is asked to do at once. */
  resume(node: NodeRecord): void {
    node.drain = false;
    node.down = false;
    node.notResponding = true;
    delete node.reason;
    delete node.bootTime;
    delete node.slurmdStartTime;
    this.after(resumeAskMs, () => this.#ask(node));
    this.changed();
  }

  /** The machine that answers for that node where slurmctld looks for it. */
  machineOf(node: NodeRecord): Machine | undefined {
    const machine = this.#machine.network.at(node.address);
    const slurmd = machine?.services.slurmd.slurmd;
    const answers = machine && slurmd?.isReady && slurmd.name === node.name;
    return answers && trust(machine, this.#machine) ? machine : undefined;
  }

  reconfigure(): void {
    this.confText = this.#machine.read(confPath) ?? '';
    this.conf = this.#machine.network.confs.read(this.confText);
    this.hasLostCount = true;
    for (const node of this.nodes.values()) {
      this.machineOf(node)?.services.slurmd.slurmd?.push(this.confText);
    }
    this.save();
  }

  /** Unless it has ended by then. */
  after(milliseconds: number, callback: () => void): void {
    this.#machine.after(milliseconds, () => {
      if (!this.#isOver) callback();
    });
  }

  #open(): void {
    if (this.conf.pluginFault !== undefined) {
      this.#died(this.conf.pluginFault);
      return;
    }
    const { nodes, jobs, nextId } = readState(this.#machine.standing.disk);
    for (const { bootTime: _, slurmdStartTime: __, ...node } of nodes) {
      this.nodes.set(node.name, { ...node, notResponding: false });
      this.#answeredAt.set(node.name, this.#machine.clock.now());
    }
    this.jobs.restore(jobs, nextId);
    this.isListening = true;
    this.#savedAt = this.#machine.clock.now();
    this.after(askAfterMs, () => {
      for (const node of this.nodes.values()) this.#ask(node);
    });
    this.#pingLater();
    this.changed();
  }

  #pingLater(): void {
    this.after(this.conf.slurmdTimeoutMs / 3, () => {
      for (const node of this.nodes.values()) this.#ping(node);
      this.#pingLater();
    });
  }

  #ping(node: NodeRecord): void {
    const now = this.#machine.clock.now();
    if (this.machineOf(node) !== undefined) {
      this.#answeredAt.set(node.name, now);
      if (node.notResponding || node.down || node.bootTime === undefined) this.#ask(node);
      return;
    }
    if (!node.notResponding) this.changed();
    node.notResponding = true;
    const silentMs = now - (this.#answeredAt.get(node.name) ?? now);
    if (!node.down && silentMs >= this.conf.slurmdTimeoutMs) {
      // A reason that somebody gave stays, as in `set_node_down_ptr`.
      if (node.reason === undefined) this.blame(node, 'Not responding', 'slurm');
      this.takeDown(node);
    }
  }

  #ask(node: NodeRecord): void {
    const slurmd = this.machineOf(node)?.services.slurmd.slurmd;
    if (slurmd && this.nodes.has(node.name)) this.register(slurmd.registration());
  }
}

const noConf: SlurmConf = {
  clusterName: '',
  hostName: '',
  address: '',
  port: 0,
  pidFile: '',
  slurmdTimeoutMs: 0,
  partitions: [],
  nodeSets: new Map(),
};
