/** scontrol, as far as our scripts and the people of the tests use it. */
import type { Program, ProgramCall, Waiting } from '../shell/machine.ts';
import { NotModelledError } from '../shell/syntax.ts';
import { contact, ping, timeFormat } from './client.ts';
import type { Machine } from './machine.ts';
import { type NodeRecord, nodeText } from './records.ts';
import type { Slurmctld } from './slurmctld.ts';

export function scontrol(machine: () => Machine): Program {
  return (call) => {
    const [verb, ...words] = call.args;
    switch (verb) {
      case 'ping':
        return ping(machine(), call);
      case 'show':
        return show(machine(), call, words);
      case 'update':
        return update(machine(), call, words);
      case 'delete':
        return remove(machine(), call, words);
      case 'reconfigure':
        return reconfigure(machine(), call);
      default:
        throw new NotModelledError(`scontrol ${call.args.join(' ')}`);
    }
  };
}

function* show(machine: Machine, call: ProgramCall, words: string[]): Waiting<number> {
  const [what = '', ...more] = words.filter((word) => word !== '-o');
  const isAll = what === 'nodes' && more.length === 0;
  const [name] = more;
  if (!words.includes('-o') || (!isAll && (what !== 'node' || more.length !== 1))) {
    throw new NotModelledError(`scontrol ${call.args.join(' ')}`);
  }
  const { daemon } = yield* contact(machine, call, 'scontrol', 'slurm_load_node error');
  if (daemon === undefined) return 1;
  const nodes = [...daemon.nodes.values()].filter((node) => isAll || node.name === name);
  if (nodes.length === 0) {
    call.output.text += isAll ? 'No nodes in the system\n' : `Node ${name} not found\n`;
    return isAll ? 0 : 1;
  }
  nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
  const time = timeFormat(call);
  for (const node of nodes) {
    const jobs = daemon.jobs.on(node.name);
    const allocated = daemon.jobs.allocated(node);
    call.output.text += `${nodeText(node, jobs, allocated, daemon.conf, time)}\n`;
  }
  return 0;
}

function* update(machine: Machine, call: ProgramCall, words: string[]): Waiting<number> {
  const pairs = pairsOf(call, words);
  const { daemon } = yield* contact(machine, call, 'scontrol', 'slurm_update error');
  if (daemon === undefined) return 1;
  const refuse = (why: string): number => {
    call.errors.text += `slurm_update error: ${why}\n`;
    return 1;
  };
  const jobId = pairs.get('jobid');
  if (jobId !== undefined) {
    const job = daemon.jobs.all.get(jobId);
    if (job === undefined) return refuse('Invalid job id specified');
    job.comment = pairs.get('comment') ?? job.comment;
    daemon.changed();
    return 0;
  }
  const node = daemon.nodes.get(pairs.get('nodename') ?? '');
  if (node === undefined) return refuse('Invalid node name specified');
  const [state, reason] = [pairs.get('state')?.toLowerCase(), pairs.get('reason')];
  if ((state === 'drain' || state === 'down') && reason === undefined) {
    call.output.text +=
      'You must specify a reason when DOWNING or DRAINING a node. Request denied\n';
    return 1;
  }
  node.address = pairs.get('nodeaddr') ?? node.address;
  if (state === undefined) daemon.changed();
  else if (!setState(daemon, node, state, reason ?? '')) {
    return refuse('Invalid node state specified');
  }
  return 0;
}

/** False when the node is in no state for that. */
function setState(daemon: Slurmctld, node: NodeRecord, state: string, reason: string): boolean {
  switch (state) {
    case 'drain':
      node.drain = true;
      daemon.blame(node, reason, 'root');
      daemon.changed();
      return true;
    case 'down':
      daemon.blame(node, reason, 'root');
      daemon.takeDown(node);
      return true;
    case 'resume':
      if (node.invalid || !(node.drain || node.down)) return false;
      daemon.resume(node);
      return true;
    case 'undrain':
      // Even of a node that nobody drained.
      if (!node.down) daemon.resume(node);
      return true;
    default:
      throw new NotModelledError(`scontrol update state=${state}`);
  }
}

function* remove(machine: Machine, call: ProgramCall, words: string[]): Waiting<number> {
  const name = pairsOf(call, words).get('nodename') ?? '';
  const what = `delete_node nodename=${name}`;
  const { daemon } = yield* contact(machine, call, 'scontrol', what);
  if (daemon === undefined) return 1;
  const isBusy = daemon.jobs.on(name).length > 0;
  if (isBusy || !daemon.nodes.has(name)) {
    call.errors.text += `scontrol: error: failed to delete nodes ${name}
${what}: ${isBusy ? 'Requested nodes are busy' : 'Invalid node name specified'}\n`;
    return 1;
  }
  daemon.nodes.delete(name);
  daemon.changed();
  return 0;
}

function* reconfigure(machine: Machine, call: ProgramCall): Waiting<number> {
  const { daemon } = yield* contact(machine, call, 'scontrol', 'slurm_reconfigure error');
  daemon?.reconfigure();
  return daemon === undefined ? 1 : 0;
}

function pairsOf(call: ProgramCall, words: string[]): Map<string, string> {
  const known = ['nodename', 'state', 'reason', 'nodeaddr', 'jobid', 'comment'];
  const pairs = words.map((word): [string, string] => {
    const at = word.indexOf('=');
    return [word.slice(0, at).toLowerCase(), word.slice(at + 1)];
  });
  const isKnown = ([name, value]: [string, string]) =>
    known.includes(name) && !(name === 'nodename' && /[[\],]/.test(value));
  if (!pairs.every(isKnown)) throw new NotModelledError(`scontrol ${call.args.join(' ')}`);
  return new Map(pairs);
}
