/** How each program of Slurm finds slurmctld, and what it says when it does not. */
import type { ProgramCall, Waiting } from '../shell/machine.ts';
import { ConfFault, type SlurmConf } from './conf.ts';
import type { Machine } from './machine.ts';
import { trust } from './network.ts';
import type { Slurmctld } from './slurmctld.ts';

/** One question and its answer. */
const roundMs = 10;
/** Until it gives up on a slurmctld that does not listen. */
const patienceMs = 9000;
/** Until it gives up on finding a head in the DNS. */
const dnsMs = 3000;

export interface Contact {
  /** Undefined when there is none to speak to; the reason has been said, the status is 1. */
  daemon?: Slurmctld;
  conf?: SlurmConf;
}

/** `what` names the failed call, such as `slurm_load_node error`. */
export function* contact(
  machine: Machine,
  call: ProgramCall,
  program: string,
  what: string,
): Waiting<Contact> {
  const conf = yield* confOf(machine, call, program);
  if (conf === undefined) return {};
  const head = machine.network.at(conf.address);
  const daemon = head?.services.slurmctld.slurmctld;
  if (head === undefined || !daemon?.isListening) {
    yield patienceMs;
    call.errors.text += `${what}: Unable to contact slurm controller (connect failure)\n`;
    return { conf };
  }
  yield roundMs;
  // It may have died meanwhile, or munge may refuse.
  if (daemon.isListening && trust(head, machine)) return { daemon, conf };
  call.errors.text += `${what}: Zero Bytes were transmitted or received\n`;
  return { conf };
}

/** Whether slurmctld answers, without the patience of the other programs. */
export function* ping(machine: Machine, call: ProgramCall): Waiting<number> {
  const conf = yield* confOf(machine, call, 'scontrol');
  if (conf === undefined) return 1;
  yield roundMs;
  const head = machine.network.at(conf.address);
  const isUp = head !== undefined && listenerOf(head, conf.port) && trust(head, machine);
  call.output.text += `Slurmctld(primary) at ${conf.hostName} is ${isUp ? 'UP' : 'DOWN'}\n`;
  return isUp ? 0 : 1;
}

/** Whether a slurmctld listens there, be it only one that tries a file. */
function listenerOf(head: Machine, port: number): boolean {
  if (port === 6817) return head.services.slurmctld.slurmctld?.isListening === true;
  return head.trial?.port === port && head.trial.isListening;
}

function* confOf(
  machine: Machine,
  call: ProgramCall,
  program: string,
): Waiting<SlurmConf | undefined> {
  const path = call.environment('SLURM_CONF') ?? '/etc/slurm/slurm.conf';
  const text = machine.read(path) ?? machine.read('/run/slurm/conf/slurm.conf');
  if (text === undefined) {
    yield dnsMs;
    call.errors.text += `${program}: error: fetch_config: DNS SRV lookup failed
${program}: fatal: Could not establish a configuration source\n`;
    return undefined;
  }
  try {
    return machine.network.confs.read(text);
  } catch (thrown) {
    if (!(thrown instanceof ConfFault)) throw thrown;
    call.errors.text += `${program}: error: ${thrown.message}
${program}: fatal: Unable to process configuration file\n`;
    return undefined;
  }
}

/** Times as `SLURM_TIME_FORMAT` asks for them. */
export function timeFormat(call: ProgramCall): (seconds: number) => string {
  if (call.environment('SLURM_TIME_FORMAT') === '%s') return String;
  return (seconds) => new Date(seconds * 1000).toISOString().slice(0, 19);
}
