/** `simulate`: trouble and jobs for a simulated world that runs, as accidents and people make them. */
import { type Command, Option } from 'commander';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-code.ts';
import { nodeName } from '../object-name.ts';
import { wholeOption } from '../options.ts';
import type { Register } from '../program.ts';
import { hostTroubles, nodeTroubles, type Trouble } from '../simulation.ts';

const descriptions = {
  destroy: 'Power a VM off, as `virsh destroy` does.',
  crash: 'Let a VM crash.',
  pause: 'Pause a VM, as a full disk does.',
  undefine: 'Undefine a VM, as a person might.',
  drain: 'Drain a node in Slurm by hand.',
  resume: 'Resume a node in Slurm by hand.',
  'host-down': 'Cut the way to a host and its VMs; they go on.',
  'host-up': 'Let a host be reached again.',
};

interface SubmitOptions {
  nodes: number;
  minutes: number;
  wait?: true;
}

export function addSimulate(root: Command, register: Register): void {
  const simulate = root
    .command('simulate')
    .description('Make trouble in the world of `run --simulated`, and give it jobs.');
  for (const verb of nodeTroubles) {
    const command = simulate.command(verb).description(descriptions[verb]);
    command.argument('<node>', 'name of the node');
    register(command, (call) =>
      make(call, { verb, namespace: call.globals.namespace, node: nodeName(first(call)) }),
    );
  }
  for (const verb of hostTroubles) {
    const command = simulate.command(verb).description(descriptions[verb]);
    command.argument('<host>', 'name of the host; `local` when there is no BenchHost');
    register(command, (call) =>
      make(call, { verb, namespace: call.globals.namespace, host: first(call) }),
    );
  }
  addJobs(simulate, register);
}

function addJobs(simulate: Command, register: Register): void {
  const submit = simulate
    .command('submit')
    .description('Give a cluster a job, which runs so long and ends.')
    .argument('<cluster>', 'name of the cluster')
    .addOption(
      new Option('--nodes <count>', 'on how many nodes')
        .argParser(wholeOption(1, 10_000))
        .default(1),
    )
    .addOption(
      new Option('--minutes <count>', 'how long, in simulated minutes')
        .argParser(wholeOption(0, 100_000))
        .default(5),
    )
    .option('--wait', 'until it has ended');
  const queue = simulate
    .command('queue')
    .description('Show the jobs of a cluster.')
    .argument('<cluster>', 'name of the cluster');
  register(submit, (call) => {
    const { nodes, minutes, wait } = call.options<SubmitOptions>();
    const { namespace } = call.globals;
    const job = { namespace, cluster: first(call), nodes, minutes, wait: wait === true };
    return make(call, { verb: 'submit', ...job });
  });
  register(queue, (call) =>
    make(call, { verb: 'queue', namespace: call.globals.namespace, cluster: first(call) }),
  );
}

function first({ words }: Call): string {
  return words[0] ?? '';
}

async function make(call: Call, trouble: Trouble): Promise<number> {
  const { simulation, globals, context } = call;
  if (simulation === undefined) {
    const what = `${globals.state} is not the state of a simulated world`;
    const next = 'benchctl run --simulated; with the same --state here and there';
    throw new CliError('failed', what, next);
  }
  call.print(...(await simulation.trouble(trouble, context.signal)));
  return exitCodes.ok;
}
