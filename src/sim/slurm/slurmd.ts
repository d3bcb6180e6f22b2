/**
 * slurmd: fetches its configuration from the head, registers under the name that it was given,
 * reports the jobs that run here. Jobs are not its own: they outlive it, as with `KillMode=process`.
 */
import { NotModelledError } from '../shell/syntax.ts';
import type { Machine } from './machine.ts';
import { trust } from './network.ts';
import type { Slurmctld } from './slurmctld.ts';

/** Until it looks again for a slurmctld that did not listen. */
const retryMs = 10_000;
const fetchMs = 300;
const registerMs = 300;
const pushedConf = '/run/slurm/conf/slurm.conf';

export interface Registration {
  name: string;
  address: string;
  cpus: number;
  memoryMiB: number;
  features: string[];
  bootTime: number;
  slurmdStartTime: number;
  jobs: ReadonlySet<string>;
}

export class Slurmd {
  readonly name: string;
  readonly startedAt: number;
  readonly #machine: Machine;
  readonly #died: (message: string) => void;
  readonly #begun: () => void;
  readonly #head: string;
  readonly #own: { cpus: number; memoryMiB: number; features: string[] };
  #isOver = false;
  #isReady = false;

  /** `unit` is the drop-in that its command stands in; `begun` is called once it has begun. */
  constructor(machine: Machine, unit: string, died: (message: string) => void, begun: () => void) {
    this.#machine = machine;
    this.#died = died;
    this.#begun = begun;
    this.startedAt = machine.clock.now();
    const command = /^ExecStart=(.+)$/m.exec(unit)?.[1] ?? '';
    const [, head, name, own = ''] =
      /^\S*slurmd -D -s -Z --conf-server (\S+):6817 -N (\S+) --conf "([^"]*)"$/.exec(command) ?? [];
    if (head === undefined || name === undefined) throw new NotModelledError(`start of ${command}`);
    const value = (key: string) => new RegExp(`(?:^| )${key}=(\\S+)`).exec(own)?.[1] ?? '';
    this.#head = head;
    this.name = name;
    this.#own = {
      cpus: Number(value('CPUs')),
      memoryMiB: Number(value('RealMemory')),
      features: value('Feature').split(','),
    };
  }

  start(): void {
    this.#after(fetchMs, () => this.#fetch());
  }

  end(): void {
    this.#isOver = true;
  }

  /** It has its configuration and answers slurmctld. */
  get isReady(): boolean {
    return this.#isReady && !this.#isOver;
  }

  registration(): Registration {
    const { clock, bootedAt, processes, standing } = this.#machine;
    const seconds = (at: number) => Math.floor(at / 1000);
    return {
      name: this.name,
      address: standing.address() ?? '',
      ...this.#own,
      bootTime: seconds(Math.min(bootedAt, clock.now())),
      slurmdStartTime: seconds(this.startedAt),
      jobs: processes,
    };
  }

  /** slurmctld hands out its file. */
  push(conf: string): void {
    this.#machine.write(pushedConf, conf);
  }

  /** The slurmctld that it can speak to now. */
  controller(): Slurmctld | undefined {
    const head = this.#machine.network.at(this.#head);
    const daemon = head?.services.slurmctld.slurmctld;
    return head && daemon?.isListening && trust(head, this.#machine) ? daemon : undefined;
  }

  /** Nobody at the other end is waited for; a key that is refused ends it. */
  #fetch(): void {
    const head = this.#machine.network.at(this.#head);
    const daemon = head?.services.slurmctld.slurmctld;
    if (head === undefined || !daemon?.isListening) {
      this.#after(retryMs, () => this.#fetch());
    } else if (!trust(head, this.#machine)) {
      this.#died(`error: _fetch_child: failed to fetch remote configs: Zero Bytes were transmitted or received
error: _establish_configuration: failed to load configs
error: slurmd initialization failed`);
    } else {
      this.push(daemon.confText);
      this.#isReady = true;
      this.#begun();
      this.#after(registerMs, () => this.#register());
    }
  }

  #register(): void {
    const controller = this.controller();
    if (controller !== undefined) controller.register(this.registration());
    else this.#after(retryMs, () => this.#register());
  }

  #after(milliseconds: number, callback: () => void): void {
    this.#machine.after(milliseconds, () => {
      if (!this.#isOver) callback();
    });
  }
}
