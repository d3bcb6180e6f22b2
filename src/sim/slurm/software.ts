/** Everything that can be called in a guest of the Slurm image. */
import { type Program, rest } from '../shell/machine.ts';
import { parseScript } from '../shell/parse.ts';
import { runShell } from '../shell/shell.ts';
import { NotModelledError } from '../shell/syntax.ts';
import { awk } from './awk.ts';
import { Machine, type Standing } from './machine.ts';
import type { Network } from './network.ts';
import { queuePrograms } from './queue.ts';
import { scontrol } from './scontrol.ts';
import { systemdPrograms } from './systemctl.ts';

/** A machine at the moment of its boot, with the services that are enabled on its disk started. */
export function bootMachine(standing: Standing, network: Network): Machine {
  // The programs need the machine, and it needs them.
  const self = (): Machine => machine;
  const programs = new Map<string, Program>([
    ...systemdPrograms(self),
    ...queuePrograms(self),
    ['scontrol', scontrol(self)],
    ['awk', awk()],
    ['slurmd', hardware(self)],
    ['slurmctld', version],
    ['bash', bash(self)],
  ]);
  const machine = new Machine(standing, network, programs);
  const hostname = machine.read('/etc/hostname');
  if (hostname !== undefined) machine.write('/proc/sys/kernel/hostname', hostname);
  network.add(machine);
  const { munge, slurmctld, slurmd } = machine.services;
  for (const service of [munge, slurmctld, slurmd]) if (service.isEnabled) service.reload();
  for (const service of [munge, slurmctld, slurmd]) if (service.isEnabled) service.start();
  return machine;
}

/** `slurmd -C`. */
function hardware(machine: () => Machine): Program {
  return ({ args, input, output }) => {
    if (args.join(' ') !== '-C') throw new NotModelledError(`slurmd ${args.join(' ')}`);
    rest(input);
    const { cpus, memoryMiB } = machine().standing.hardware;
    const sockets = 'Boards=1 SocketsPerBoard=1';
    output.text += `NodeName=${machine().hostname} CPUs=${cpus} ${sockets} CoresPerSocket=${cpus} ThreadsPerCore=1 RealMemory=${memoryMiB}
UpTime=0-00:00:10\n`;
    return 0;
  };
}

const version: Program = ({ args, output }) => {
  if (args.join(' ') !== '-V') throw new NotModelledError(`slurmctld ${args.join(' ')}`);
  output.text += 'slurm-wlm 22.05.8\n';
  return 0;
};

/** Only for what plain sh cannot do, such as `/dev/tcp`. */
function bash(machine: () => Machine): Program {
  return ({ args: [option, script = '', ...args], ...streams }) => {
    if (option !== '-c') throw new NotModelledError(`bash ${option}`);
    return runShell(parseScript(script), machine(), streams, args);
  };
}
