/** `events`: what happened to clusters and nodes, newest last; `--watch` stays. */
import type { Command } from 'commander';
import { awaitChange } from '../await-change.ts';
import type { Call } from '../call.ts';
import { exitCodes } from '../exit-code.ts';
import { clusterName } from '../object-name.ts';
import { type OutputFormat, outputOption } from '../output.ts';
import type { Register } from '../program.ts';
import type { EventRecord } from '../state-view.ts';
import { eventRow, eventTitles } from '../view/event-table.ts';
import { columnWidths, renderRow, renderTable } from '../view/table.ts';
import { type World, withWorld } from '../world.ts';

interface EventOptions {
  watch?: true;
  output?: OutputFormat;
}

export function addEvents(root: Command, register: Register): void {
  const events = root
    .command('events')
    .description('Show what happened, newest last.')
    .argument('[cluster]', 'only of this cluster')
    .addOption(outputOption(['json']))
    .option('-w, --watch', 'stay, and show what happens');
  register(events, runEvents);
}

async function runEvents(call: Call): Promise<number> {
  const { watch, output } = call.options<EventOptions>();
  return withWorld(call.context, call.globals, async (world) => {
    const events = await ownEvents(call, world);
    const widths = print(call, events, output);
    if (watch !== true) {
      const whose = call.words.map((word) => ` of cluster/${clusterName(word)}`).join('');
      const none = `no events${whose} in namespace ${call.globals.namespace}`;
      if (events.length === 0) call.note(none);
      return exitCodes.ok;
    }
    await follow(call, world, events, widths, output);
    return exitCodes.interrupted;
  });
}

async function ownEvents(call: Call, world: World): Promise<EventRecord[]> {
  const [cluster] = call.words.map(clusterName);
  const events = await world.state.events();
  return events.filter(
    (event) =>
      event.namespace === call.globals.namespace &&
      (cluster === undefined || event.cluster === cluster),
  );
}

/** Prints all and returns the column widths for what follows. */
function print(call: Call, events: readonly EventRecord[], output?: OutputFormat): number[] {
  if (output === 'json') {
    call.print(...events.map((event) => JSON.stringify(event)));
    return [];
  }
  const rows = events.map((event) => eventRow(event, call.now()));
  if (rows.length > 0) call.print(...renderTable(eventTitles, rows, { paint: call.paint }));
  return columnWidths(eventTitles, rows);
}

async function follow(
  call: Call,
  world: World,
  shown: readonly EventRecord[],
  widths: readonly number[],
  output?: OutputFormat,
): Promise<void> {
  // The log is cut at its old end, so position says nothing; what was shown does.
  let seen = new Set(shown.map((event) => JSON.stringify(event)));
  const show = async (): Promise<undefined> => {
    const events = await ownEvents(call, world);
    const news = events.filter((event) => !seen.has(JSON.stringify(event)));
    seen = new Set(events.map((event) => JSON.stringify(event)));
    const now = call.now();
    const line = (event: EventRecord) =>
      output === 'json'
        ? JSON.stringify(event)
        : renderRow(eventRow(event, now), widths, call.paint);
    call.print(...news.map(line));
    return undefined;
  };
  const { clock, signal } = call.context;
  await awaitChange<never>(show, { subscribe: world.onChange, clock, signal });
}
