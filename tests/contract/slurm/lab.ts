/**
 * A few machines in namespaces of their own on a private bridge, each with its own /etc, /var, /run,
 * host name and init, on which real munged, slurmctld and slurmd run. There is no systemd, so
 * `systemctl.sh` stands in for systemctl. Everything dies with this process or with `stop`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const neededPrograms = ['slurmctld', 'slurmd', 'scontrol', 'munged', 'unshare', 'ip'];

/** Why this machine cannot run the lab; undefined when it can. */
export function missingForLab(): string | undefined {
  if (process.getuid?.() !== 0) return 'namespaces need root';
  const missing = neededPrograms.filter(
    (name) =>
      !['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((dir) => existsSync(`${dir}/${name}`)),
  );
  return missing.length === 0 ? undefined : `programs are missing: ${missing.join(', ')}`;
}

export interface Result {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export class SlurmLab {
  readonly dir: string;
  readonly #names: string[];
  readonly #outer: ChildProcess;
  readonly #outerPid: number;
  readonly #machines = new Map<string, { guard: number; init: number }>();

  private constructor(dir: string, names: string[], outer: ChildProcess, outerPid: number) {
    this.dir = dir;
    this.#names = names;
    this.#outer = outer;
    this.#outerPid = outerPid;
  }

  static async start(names: string[]): Promise<SlurmLab> {
    const dir = await mkdtemp(join(tmpdir(), 'slurm-lab-'));
    for (const script of ['outer.sh', 'machine.sh', 'systemctl.sh']) {
      await copyFile(new URL(script, import.meta.url), join(dir, script));
    }
    // --kill-child ends everything inside with unshare, and the signal ends unshare with us.
    const unshare = '--pdeathsig KILL unshare -m -n -p -f --kill-child --mount-proc sh'.split(' ');
    const args = [...unshare, join(dir, 'outer.sh'), ...names];
    const outer = spawn('setpriv', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    await readyLine(outer);
    return new SlurmLab(dir, names, outer, await childOf(outer.pid ?? 0));
  }

  address(name: string): string {
    return `10.77.0.${this.#names.indexOf(name) + 1}`;
  }

  isOn(name: string): boolean {
    return this.#machines.has(name);
  }

  async powerOn(name: string): Promise<void> {
    const outside = ['-t', `${this.#outerPid}`, '-m', '-n', '-p', '--'];
    const network = ['nsenter', `--net=/run/netns/${name}`, '--'];
    const unshare = 'unshare -m -u -p -f --kill-child --mount-proc sh'.split(' ');
    const machine = [join(this.dir, 'machine.sh'), join(this.dir, 'disks', name)];
    const args = [...outside, ...network, ...unshare, ...machine, join(this.dir, 'systemctl.sh')];
    const child = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await readyLine(child);
    child.stdout?.resume();
    const guard = await childOf(child.pid ?? 0);
    this.#machines.set(name, { guard, init: await childOf(guard) });
  }

  /** Like `virsh destroy`: nothing in the machine gets to say goodbye. */
  async powerOff(name: string): Promise<void> {
    const machine = this.#machines.get(name);
    if (machine === undefined) return;
    this.#machines.delete(name);
    process.kill(machine.guard, 'SIGKILL');
    await until(`${name} is off`, () => !existsSync(`/proc/${machine.init}`));
  }

  /** The disk is lost. */
  async wipe(name: string): Promise<void> {
    await this.powerOff(name);
    await rm(join(this.dir, 'disks', name), { recursive: true, force: true });
  }

  run(name: string, script: string, input = '', timeoutMs = 60_000): Promise<Result> {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`${name} is off`);
    const args = ['-t', `${machine.init}`, '-m', '-u', '-n', '-p', '--', '/bin/sh', '-c', script];
    return new Promise((resolve, reject) => {
      const child = spawn('nsenter', args, { timeout: timeoutMs, killSignal: 'SIGKILL' });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
      });
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      child.once('error', reject);
      child.once('close', (code) => resolve({ exitCode: code ?? 128, stdout, stderr }));
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    });
  }

  async stop(): Promise<void> {
    for (const name of [...this.#machines.keys()]) await this.powerOff(name);
    this.#outer.kill('SIGKILL');
    await until('the lab is gone', () => !existsSync(`/proc/${this.#outerPid}`));
    await rm(this.dir, { recursive: true, force: true });
  }
}

async function readyLine(child: ChildProcess): Promise<void> {
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  await until('the first process says ready', () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${output}`);
    return output.includes('ready');
  });
}

async function childOf(pid: number): Promise<number> {
  let child = Number.NaN;
  await until(`process ${pid} has a child`, () => {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    child = Number.parseInt(children, 10);
    return !Number.isNaN(child);
  });
  return child;
}

export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(50);
  }
}
