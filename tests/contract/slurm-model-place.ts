/**
 * Machines with Slurm, for the suite that the model and the real one must both pass: real ones in
 * namespaces, or modelled ones in virtual time. What is done to them is shell text on both.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseScript } from '../../src/sim/shell/parse.ts';
import { runShell } from '../../src/sim/shell/shell.ts';
import type { Machine } from '../../src/sim/slurm/machine.ts';
import { Network } from '../../src/sim/slurm/network.ts';
import { bootMachine } from '../../src/sim/slurm/software.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';
import { type Result, SlurmLab } from './slurm/lab.ts';

export interface Place {
  address(machine: string): string;
  powerOn(machine: string): Promise<void>;
  powerOff(machine: string): Promise<void>;
  write(machine: string, path: string, content: Uint8Array, owner: string): Promise<void>;
  run(machine: string, script: string): Promise<Result>;
  now(): number;
  sleep(milliseconds: number): Promise<void>;
  stop(): Promise<void>;
}

export async function realPlace(machines: string[]): Promise<Place> {
  const lab = await SlurmLab.start(machines);
  return {
    address: (machine) => lab.address(machine),
    powerOn: (machine) => lab.powerOn(machine),
    powerOff: (machine) => lab.powerOff(machine),
    async write(machine, path, content, owner) {
      const directory = path.replace(/\/[^/]*$/, '');
      const script = `mkdir -p ${directory} && base64 -d >${path} && chown ${owner} ${path} &&
        chmod ${owner === 'root:root' ? '0644' : '0400'} ${path}`;
      const input = Buffer.from(content).toString('base64');
      const { exitCode, stderr } = await lab.run(machine, script, input);
      if (exitCode !== 0) throw new Error(stderr);
    },
    run: (machine, script) => lab.run(machine, script),
    now: () => Date.now(),
    sleep: (milliseconds) => sleep(milliseconds),
    stop: () => lab.stop(),
  };
}

export function modelledPlace(names: string[]): Place {
  const clock = new VirtualClock();
  const network = new Network(clock);
  const disks = new Map(names.map((name) => [name, new Map<string, string>()]));
  const machines = new Map<string, Machine>();
  const addressOf = (name: string) => `10.77.0.${names.indexOf(name) + 1}`;
  const on = (name: string): Machine => {
    const machine = machines.get(name);
    if (machine === undefined) throw new Error(`${name} is off`);
    return machine;
  };
  return {
    address: addressOf,
    async powerOn(name) {
      const standing = {
        ...{ name, disk: disks.get(name) ?? new Map(), hardware: { cpus: 2, memoryMiB: 24_103 } },
        address: () => addressOf(name),
        isRunning: () => machines.get(name)?.standing === standing,
        isOver: () => machines.get(name)?.standing !== standing,
      };
      machines.set(name, bootMachine(standing, network));
    },
    async powerOff(name) {
      machines.delete(name);
    },
    async write(name, path, content) {
      on(name).write(path, Buffer.from(content).toString('latin1'));
    },
    async run(name, script) {
      const [output, errors] = [{ text: '' }, { text: '' }];
      const streams = { input: { text: '', at: 0 }, output, errors };
      const work = runShell(parseScript(script), on(name), streams);
      for (let step = work.next(); ; step = work.next()) {
        if (step.done) return { exitCode: step.value, stdout: output.text, stderr: errors.text };
        await clock.advance(step.value);
      }
    },
    now: () => clock.now(),
    sleep: (milliseconds) => clock.advance(milliseconds),
    async stop() {},
  };
}
