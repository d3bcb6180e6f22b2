/** `ssh`: a shell or one command in a guest whose identity is proven, as its address is. */
import type { Command } from 'commander';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import type { GuestAccess } from '../guest-access.ts';
import { nodeName } from '../object-name.ts';
import type { Register } from '../program.ts';
import type { KnownNode } from '../view/object-tables.ts';
import { findNode, withWorld } from '../world.ts';

export function addSsh(root: Command, register: Register): void {
  const ssh = root
    .command('ssh')
    .description('Open a shell in a node, or run a command there.')
    .argument('<node>', 'name of the node')
    .argument('[command...]', 'command with its options; none: a login shell')
    .passThroughOptions();
  register(ssh, runSsh);
}

async function runSsh(call: Call): Promise<number> {
  const [first = '', ...command] = call.words;
  const node = await reachableNode(call, nodeName(first));
  const guest = { namespace: node.namespace, cluster: node.cluster, node: node.status.name };
  return withGuests(call, (guests) => guests.ssh(guest, command, call.context.signal));
}

async function reachableNode(call: Call, name: string): Promise<KnownNode> {
  const node = await withWorld(call.context, call.globals, async (world) =>
    findNode(await world.clusters(), call.globals.namespace, name),
  );
  if (node.status.address !== undefined) return node;
  const { phase, reason } = node.status;
  const what = `node/${name} has no proven address yet: it is ${phase} (${reason})`;
  throw new CliError('failed', what, `benchctl logs --console ${name}`);
}

export async function withGuests<T>(
  call: Call,
  work: (guests: GuestAccess) => Promise<T>,
): Promise<T> {
  const guests = await call.context.openGuests(call.globals, call.context.signal);
  try {
    return await work(guests);
  } finally {
    await guests.close();
  }
}
