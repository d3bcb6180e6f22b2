/** `logs`: the journal of a node or of one unit there, or its serial console. */
import { type Command, Option } from 'commander';
import { printable } from '../../lib/printable.ts';
import type { Call } from '../call.ts';
import { exitCodes } from '../exit-code.ts';
import { nodeName } from '../object-name.ts';
import { countOption } from '../options.ts';
import type { Register } from '../program.ts';
import { findNode, withWorld } from '../world.ts';
import { withGuests } from './ssh.ts';

interface LogOptions {
  unit?: string;
  console?: true;
  follow?: true;
  lines: number;
}

export function addLogs(root: Command, register: Register): void {
  const logs = root
    .command('logs')
    .description('Show the journal or the serial console of a node.')
    .argument('<node>', 'name of the node')
    .option('-u, --unit <unit>', 'only this systemd unit')
    .addOption(
      new Option('--console', 'the serial console instead; works without an address').conflicts(
        'unit',
      ),
    )
    .option('-f, --follow', 'stay, and show what comes')
    .addOption(
      new Option('--lines <count>', 'how many of the last lines')
        .argParser(countOption)
        .default(200),
    );
  register(logs, runLogs);
}

async function runLogs(call: Call): Promise<number> {
  const { unit, console, follow, lines } = call.options<LogOptions>();
  const { context, globals } = call;
  const name = nodeName(call.words[0] ?? '');
  const { namespace, cluster } = await withWorld(context, globals, async (world) =>
    findNode(await world.clusters(), globals.namespace, name),
  );
  const guest = { namespace, cluster, node: name };
  // A pipe gets the bytes; a terminal must not obey the guest.
  const write = (text: string) =>
    context.stdout.write(context.stdout.isTTY ? printable(text) : text);
  const options = { follow: follow === true, lines };
  await withGuests(call, (guests) =>
    console === true
      ? guests.console(guest, options, write, context.signal)
      : guests.journal(
          guest,
          { ...options, ...(unit === undefined ? {} : { unit }) },
          write,
          context.signal,
        ),
  );
  return context.signal.aborted ? exitCodes.interrupted : exitCodes.ok;
}
