/** `wait`: until objects are as asked, woken by changes of files, within a time. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { awaitChange } from '../await-change.ts';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-code.ts';
import { startCommand } from '../freshness.ts';
import { parseRef, printRef, type Ref } from '../kind.ts';
import { durationOption } from '../options.ts';
import type { Register } from '../program.ts';
import { printDuration } from '../view/age.ts';
import { type Goal, goalState, parseGoal, whyHopeless } from '../wait-goal.ts';
import { notFound, type World, withWorld } from '../world.ts';

interface WaitOptions {
  for: { goal: Goal; text: string };
  timeout: number;
}

const defaultTimeoutMs = 10 * 60_000;

export function addWait(root: Command, register: Register): void {
  const wait = root
    .command('wait')
    .description('Wait until clusters or nodes are as asked.')
    .argument('<kind/name...>', 'such as cluster/slurm-a or node/slurm-a-compute-0')
    .addOption(
      new Option('--for <goal>', 'condition=TYPE[=STATUS], phase=PHASE of a node, or delete')
        .argParser(goalOption)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--timeout <duration>', 'how long; 0s looks once')
        .argParser(durationOption)
        .default(defaultTimeoutMs, '10m'),
    );
  register(wait, runWait);
}

function goalOption(text: string): WaitOptions['for'] {
  const goal = parseGoal(text);
  if (goal !== undefined) return { goal, text };
  throw new InvalidArgumentError(
    'Say condition=Ready, condition=Ready=False, phase=Booting or delete.',
  );
}

async function runWait(call: Call): Promise<number> {
  const options = call.options<WaitOptions>();
  const refs = call.words.map((word) => waitable(word, options.for));
  const { clock } = call.context;
  const deadline = clock.now() + options.timeout;
  return withWorld(call.context, call.globals, async (world) => {
    for (const ref of refs) {
      await waitFor(call, world, ref, options, deadline - clock.now());
      call.print(`${printRef(ref)} ${doneText(options.for)}`);
    }
    return exitCodes.ok;
  });
}

async function waitFor(
  call: Call,
  world: World,
  ref: Ref,
  options: WaitOptions,
  timeoutMs: number,
): Promise<void> {
  const { clock, signal } = call.context;
  const { namespace } = call.globals;
  let last = 'unknown';
  const look = async () => {
    const state = goalState(await world.clusters(), namespace, ref, options.for.goal);
    if (state.kind === 'unmet') last = state.now;
    // A node of a cluster comes and goes; a cluster that nobody wrote never comes.
    if (state.kind === 'absent') last = 'there is no such object';
    if (state.kind === 'absent' && ref.kind === 'cluster') return 'absent';
    return state.kind === 'met' ? 'met' : undefined;
  };
  const waited = await awaitChange(look, {
    subscribe: world.onChange,
    clock,
    signal,
    timeoutMs: Math.max(0, timeoutMs),
  });
  if (waited.kind === 'interrupted') throw new CliError('interrupted', 'interrupted', '');
  if (waited.kind === 'found' && waited.value === 'met') return;
  if (waited.kind === 'found') throw notFound(printRef(ref), namespace, 'benchctl get clusters -A');
  const life = await world.state.controller();
  const idle = life.running ? '' : ' (the controller is not running)';
  const what = `${printRef(ref)}: not ${options.for.text} after ${printDuration(options.timeout)}`;
  const next = life.running
    ? `benchctl describe ${ref.kind} ${ref.name} -n ${namespace}`
    : startCommand(call);
  throw new CliError('timedOut', `${what}: ${last}${idle}`, next);
}

function waitable(word: string, { goal, text }: WaitOptions['for']): Ref {
  const ref = parseRef(word);
  if (ref?.kind !== 'cluster' && ref?.kind !== 'node') {
    const what = `cannot wait for ${word}`;
    throw new CliError('usage', what, 'benchctl wait --for=condition=Ready cluster/NAME');
  }
  const why = whyHopeless(ref.kind, goal);
  if (why === undefined) return ref;
  const next = `benchctl wait --for=condition=Ready ${printRef(ref)}`;
  throw new CliError('usage', `cannot wait for ${text} of ${printRef(ref)}: ${why}`, next);
}

function doneText({ goal }: WaitOptions['for']): string {
  switch (goal.kind) {
    case 'delete':
      return 'deleted';
    case 'phase':
      return `is ${goal.phase}`;
    case 'condition':
      return `condition ${goal.type}=${goal.status} met`;
  }
}
