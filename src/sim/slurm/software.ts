/** Everything that can be called in a guest of the Slurm image. */
import { type Program, type ProgramCall, rest, type Waiting } from '../shell/machine.ts';
import { parseScript } from '../shell/parse.ts';
import { runShell } from '../shell/shell.ts';
import { NotModelledError } from '../shell/syntax.ts';
import { awk } from './awk.ts';
import { ConfFault } from './conf.ts';
import { Machine, type Standing } from './machine.ts';
import type { Network } from './network.ts';
import { queuePrograms } from './queue.ts';
import { scontrol } from './scontrol.ts';
import { systemdPrograms } from './systemctl.ts';

/** Until a slurmctld that tries a file listens or ends, and until it sees that it should end. */
const trialMs = 200;

/** A machine at the moment of its boot, with the services that are enabled on its disk started. */
export function bootMachine(standing: Standing, network: Network): Machine {
  // The programs need the machine, and it needs them.
  const self = (): Machine => machine;
  const programs = new Map<string, Program>([
    ...systemdPrograms(self),
    ...queuePrograms(self),
    ['scontrol', scontrol(self)],
    ['awk', awk(self)],
    ['slurmd', hardware(self)],
    ['slurmctld', slurmctld(self)],
    ['bash', bash(self)],
  ]);
  const machine = new Machine(standing, network, programs);
  const hostname = machine.read('/etc/hostname');
  if (hostname !== undefined) machine.write('/proc/sys/kernel/hostname', hostname);
  network.add(machine);
  const enabled = Object.values(machine.services).filter(({ isEnabled }) => isEnabled);
  for (const service of enabled) service.reload();
  for (const service of enabled) service.start();
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

/** `slurmctld -V`, and one in the foreground that only tries a file until it is told to end. */
function slurmctld(machine: () => Machine): Program {
  return (call) => {
    const [option, ...more] = call.args;
    if (option === '-V') {
      call.output.text += 'slurm-wlm 22.05.8\n';
      return 0;
    }
    const [, path] = /^-D -f (\S+)$/.exec([option, ...more].join(' ')) ?? [];
    if (path === undefined) throw new NotModelledError(`slurmctld ${call.args.join(' ')}`);
    return tryConf(machine(), call, path);
  };
}

function* tryConf(machine: Machine, call: ProgramCall, path: string): Waiting<number> {
  const refuse = (lines: string): number => {
    call.errors.text += `${lines.replaceAll(/^/gm, 'slurmctld: ')}\n`;
    return 1;
  };
  try {
    const conf = machine.network.confs.read(machine.read(path) ?? '');
    const trial = { port: conf.port, pid: '9000', isListening: false };
    machine.write(conf.pidFile, `${trial.pid}\n`);
    machine.trial = trial;
    yield trialMs;
    if (conf.pluginFault !== undefined) return refuse(conf.pluginFault);
    trial.isListening = true;
    while (machine.trial === trial) yield trialMs;
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof ConfFault)) throw thrown;
    return refuse(`error: ${thrown.message}\nfatal: Unable to process configuration file`);
  }
}

/** Only for what plain sh cannot do, such as `/dev/tcp`. */
function bash(machine: () => Machine): Program {
  return ({ args: [option, script = '', ...args], ...streams }) => {
    if (option !== '-c') throw new NotModelledError(`bash ${option}`);
    return runShell(parseScript(script), machine(), streams, args);
  };
}
