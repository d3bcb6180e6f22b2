/** `completion`: a script for the user's shell, and the hidden `__complete` that gives it names. */
import { Argument, type Command } from 'commander';
import type { Call } from '../call.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { type CommandSpec, completionSpec, dynamicSources } from '../completion/spec.ts';
import { zshCompletion } from '../completion/zsh.ts';
import { exitCodes } from '../exit-code.ts';
import { kindOf } from '../kind.ts';
import type { Register } from '../program.ts';
import { nodesOf, type World, withWorld } from '../world.ts';

const shells: Record<string, (specs: readonly CommandSpec[]) => string> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export function addCompletion(root: Command, register: Register): void {
  const completion = root
    .command('completion')
    .description('Print a completion script: source <(benchctl completion bash)')
    .addArgument(new Argument('<shell>', 'of which shell').choices(Object.keys(shells)));
  register(completion, runCompletion);
  const complete = root
    .command('__complete', { hidden: true })
    .addArgument(new Argument('<what>').choices(dynamicSources));
  register(complete, runComplete);
}

async function runCompletion(call: Call): Promise<number> {
  const render = shells[call.words[0] ?? ''];
  if (render !== undefined) call.context.stdout.write(render(completionSpec(call.root)));
  return exitCodes.ok;
}

/** Names, one on each line. Silent on errors: a key press is no place for them. */
async function runComplete(call: Call): Promise<number> {
  try {
    const names = await withWorld(call.context, call.globals, (world) =>
      namesOf(world, call.words[0] ?? '', call.globals.namespace),
    );
    call.print(...names);
    return exitCodes.ok;
  } catch {
    return exitCodes.failed;
  }
}

async function namesOf(world: World, what: string, namespace: string): Promise<string[]> {
  const clusters = (await world.clusters()).filter((item) => item.namespace === namespace);
  const nodes = clusters.flatMap(nodesOf).map(({ status }) => status.name);
  const manifests = world
    .snapshot()
    .manifests.filter((item) => item.object.metadata.namespace === namespace);
  const clusterNames = clusters.map(({ name }) => name);
  switch (what) {
    case 'clusters':
      return clusterNames;
    case 'nodes':
      return nodes;
    case 'images':
      return manifests.filter((item) => kindOf(item) === 'image').map(nameOf);
    default: {
      const others = manifests.filter((item) => kindOf(item) !== 'cluster');
      return [
        ...clusterNames.map((name) => `cluster/${name}`),
        ...nodes.map((name) => `node/${name}`),
        ...others.map((item) => `${kindOf(item)}/${nameOf(item)}`),
      ];
    }
  }
}

function nameOf(item: { object: { metadata: { name: string } } }): string {
  return item.object.metadata.name;
}
