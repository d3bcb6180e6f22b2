/** munge, slurmctld and slurmd as units of systemd: enabled, started, stopped, restarted after 2 s. */
import type { Machine } from './machine.ts';
import { Slurmctld } from './slurmctld.ts';
import { Slurmd } from './slurmd.ts';

export const serviceNames = ['munge', 'slurmctld', 'slurmd'] as const;
export type ServiceName = (typeof serviceNames)[number];

const restartAfterMs = 2000;
const pidFiles: Record<ServiceName, string> = {
  munge: '/run/munge/munged.pid',
  slurmctld: '/run/slurmctld.pid',
  slurmd: '/run/slurmd.pid',
};
/** munge refuses a shorter key. */
const shortestKey = 32;

export class Service {
  readonly name: ServiceName;
  activeState: 'inactive' | 'activating' | 'active' | 'failed' = 'inactive';
  /** Milliseconds since the boot; 0 is never. */
  activeAt = 0;
  inactiveAt = 0;
  journal: string[] = [];
  munge: { key: string } | undefined;
  slurmctld: Slurmctld | undefined;
  slurmd: Slurmd | undefined;
  readonly #machine: Machine;
  #starts = 0;
  #cancelRestart = () => {};
  /** Its drop-ins as systemd has read them: when it was first needed, or by a reload. */
  #dropIns: { own: string; join: string } | undefined;

  constructor(name: ServiceName, machine: Machine) {
    this.name = name;
    this.#machine = machine;
  }

  get isEnabled(): boolean {
    return this.#machine.standing.disk.has(this.#wants);
  }

  enable(isEnabled: boolean): void {
    if (isEnabled) this.#machine.standing.disk.set(this.#wants, '');
    else this.#machine.standing.disk.delete(this.#wants);
  }

  /** Also what systemd does with every unit that is enabled, at a boot. */
  reload(): void {
    const directory = `/etc/systemd/system/${this.name}.service.d`;
    const own = this.#machine.read(`${directory}/10-benchcluster.conf`) ?? '';
    const join = this.#machine.read(`${directory}/20-benchcluster-join.conf`) ?? '';
    this.#dropIns = { own, join };
  }

  get pid(): number {
    const first = { munge: 400, slurmctld: 500, slurmd: 600 }[this.name];
    return this.isAlive ? first + 1000 * this.#starts : 0;
  }

  get isAlive(): boolean {
    return (this.munge ?? this.slurmctld ?? this.slurmd) !== undefined;
  }

  /** False when the daemon refuses to start; of slurmctld and slurmd that is seen only later. */
  start(): boolean {
    this.#cancelRestart();
    if (this.isAlive) return true;
    if (this.#dropIns === undefined) this.reload();
    const needed = this.#conditionPath();
    if (needed !== undefined && this.#machine.read(needed) === undefined) return true;
    const machine = this.#machine;
    this.activeState = 'active';
    this.activeAt = this.#uptime();
    this.#starts += 1;
    const died = (message: string) => this.#died(message);
    if (this.name === 'munge') {
      const key = machine.read('/etc/munge/munge.key');
      if (key === undefined || key.length < shortestKey) {
        died('munged: Error: Failed to read the keyfile');
        return false;
      }
      this.munge = { key };
      this.notePid();
    } else if (this.name === 'slurmctld') {
      this.slurmctld = new Slurmctld(machine, died);
      this.slurmctld.start();
      this.notePid();
    } else {
      this.slurmd = new Slurmd(machine, this.#dropIns?.join ?? '', died, () => this.notePid());
      this.slurmd.start();
    }
    return true;
  }

  /** An orderly end: slurmctld writes what it knows. */
  stop(): void {
    this.#cancelRestart();
    this.slurmctld?.save();
    this.#end('inactive');
  }

  /** kill -9; systemd starts it anew when its drop-in says so. */
  kill(): void {
    if (this.isAlive) this.#died('Main process exited, code=killed, status=9/KILL');
  }

  /** The daemon has begun. */
  notePid(): void {
    this.#machine.write(pidFiles[this.name], `${this.pid}\n`);
  }

  #died(message: string): void {
    this.journal = [...this.journal, ...message.split('\n')].slice(-50);
    const restarts = this.#dropIns?.own.includes('Restart=always') ?? false;
    this.#end(restarts ? 'activating' : 'failed');
    if (!restarts) return;
    this.#cancelRestart = this.#machine.after(restartAfterMs, () => this.start());
  }

  #end(state: 'inactive' | 'activating' | 'failed'): void {
    if (this.activeState === 'active') this.inactiveAt = this.#uptime();
    this.activeState = state;
    // Nothing needs it any more, so systemd forgets what it has read.
    if (state === 'inactive' && !this.isEnabled) this.#dropIns = undefined;
    this.#machine.remove(pidFiles[this.name]);
    this.slurmctld?.end();
    this.slurmd?.end();
    this.munge = undefined;
    this.slurmctld = undefined;
    this.slurmd = undefined;
  }

  /** As the packages have it, and without it where a drop-in empties the list. */
  #conditionPath(): string | undefined {
    if (this.name === 'munge') return undefined;
    const isEmptied = this.#dropIns?.join.includes('\nConditionPathExists=\n');
    return isEmptied ? undefined : '/etc/slurm/slurm.conf';
  }

  #uptime(): number {
    return Math.max(1, this.#machine.clock.now() - this.#machine.bootedAt);
  }

  get #wants(): string {
    return `wants/${this.name}`;
  }
}
