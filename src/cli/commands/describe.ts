/** `describe`: all that is known of one cluster or node. */
import { Argument, type Command } from 'commander';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-code.ts';
import { noteFreshness } from '../freshness.ts';
import { noteHeld } from '../held.ts';
import { parseKind, parseRef, type Ref } from '../kind.ts';
import type { Register } from '../program.ts';
import type { EventRecord } from '../state-view.ts';
import { describeCluster } from '../view/describe-cluster.ts';
import { describeNode } from '../view/describe-node.ts';
import { findCluster, findNode, withWorld } from '../world.ts';

/** Enough to see what happened last, few enough for one screen. */
const lastEvents = 10;

export function addDescribe(root: Command, register: Register): void {
  const kind = new Argument('<kind>', 'cluster or node; KIND/NAME is understood as well');
  kind.argChoices = ['cluster', 'node'];
  const describe = root
    .command('describe')
    .description('Show all that is known of a cluster or node, as a tree.')
    .addArgument(kind)
    .argument('[name]', 'its name');
  register(describe, runDescribe);
}

async function runDescribe(call: Call): Promise<number> {
  const ref = parseObject(call.words);
  const { namespace } = call.globals;
  return withWorld(call.context, call.globals, async (world) => {
    const clusters = await world.clusters();
    const events = await world.state.events();
    const options = { now: call.now(), paint: call.paint };
    if (ref.kind === 'node') {
      const node = findNode(clusters, namespace, ref.name);
      const own = (event: EventRecord) => event.node === ref.name;
      call.print(...describeNode(node, last(events, namespace, own), options));
    } else {
      const cluster = findCluster(clusters, namespace, ref.name);
      const own = (event: EventRecord) => event.cluster === ref.name;
      call.print(...describeCluster(cluster, last(events, namespace, own), options));
    }
    await noteFreshness(call, world.state, clusters);
    await noteHeld(call, world.state);
    return exitCodes.ok;
  });
}

function last(
  events: readonly EventRecord[],
  namespace: string,
  own: (event: EventRecord) => boolean,
): EventRecord[] {
  return events.filter((event) => event.namespace === namespace && own(event)).slice(-lastEvents);
}

function parseObject([first = '', second]: readonly string[]): Ref {
  const kind = parseKind(first);
  const ref =
    second === undefined
      ? parseRef(first)
      : kind === undefined
        ? undefined
        : { kind, name: second };
  if (ref?.kind === 'cluster' || ref?.kind === 'node') return ref;
  throw new CliError(
    'usage',
    `cannot describe ${[first, second].filter((word) => word !== undefined).join(' ')}`,
    'benchctl describe cluster NAME, or benchctl describe node NAME',
  );
}
