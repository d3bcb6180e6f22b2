/** `get`: a line for each object, or the objects themselves; `--watch` stays, for changes. */
import { Argument, type Command, Option } from 'commander';
import { describeFault } from '../../crd/fault.ts';
import { oneLine } from '../../lib/printable.ts';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-code.ts';
import { noteFreshness } from '../freshness.ts';
import { noteHeld } from '../held.ts';
import { noteUnreached } from '../hosts/look.ts';
import { kinds, parseKind, parseRef } from '../kind.ts';
import { type OutputFormat, outputOption, printObjects } from '../output.ts';
import type { Register } from '../program.ts';
import type { ViewOptions } from '../view/object-tables.ts';
import { renderTable } from '../view/table.ts';
import { isDirectory, missingDirectory, notFound, type World, withWorld } from '../world.ts';
import { type Answer, answerOf, type Query } from './get-answer.ts';
import { watchTable } from './watch.ts';

interface GetOptions {
  output?: OutputFormat;
  watch?: true;
  allNamespaces?: true;
  cluster?: string;
}

export function addGet(root: Command, register: Register): void {
  const kind = new Argument('<kind>', 'what to show; KIND/NAME is understood as well');
  // Set by hand, because choices() would refuse KIND/NAME and other spellings.
  kind.argChoices = kinds.map((word) => `${word}s`);
  const get = root
    .command('get')
    .description('Show clusters, nodes, images or hosts.')
    .addArgument(kind)
    .argument('[name]', 'only this one')
    .addOption(outputOption(['json', 'yaml', 'wide', 'name']))
    .option('-w, --watch', 'stay, and show what changes')
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(new Option('--cluster <cluster>', 'only nodes of this cluster'));
  register(get, runGet);
}

async function runGet(call: Call): Promise<number> {
  const options = call.options<GetOptions>();
  const query = parseQuery(call, options);
  if (options.watch === true && (options.output ?? 'wide') !== 'wide') {
    throw new CliError('usage', '--watch shows tables only', 'benchctl get --watch, or -o wide');
  }
  if (query.kind === 'image' || query.kind === 'host') {
    if (!(await isDirectory(call.globals.dir))) throw missingDirectory(call.globals.dir);
  }
  return withWorld(call.context, call.globals, async (world) => {
    const answer = await lookUp(call, world, query);
    if (query.kind === 'cluster' || query.kind === 'node') {
      await noteFreshness(call, world.state, await world.clusters());
      await noteHeld(call, world.state);
    }
    noteFaults(call, world);
    noteUnreached(call, answer.seen);
    if (options.watch === true) {
      const look = async () => (await lookUp(call, world, { ...query, allowMissing: true })).table;
      return watchTable(call, world, look, viewOptions(call, options));
    }
    printAnswer(call, options, query, answer);
    return exitCodes.ok;
  });
}

function parseQuery(call: Call, options: GetOptions): Query {
  const [first = '', second] = call.words;
  const ref = parseRef(first);
  const kind = ref?.kind ?? parseKind(first);
  if (kind === undefined || (ref !== undefined && second !== undefined)) {
    const what = `no such kind: ${first}`;
    throw new CliError('usage', what, 'benchctl get clusters|nodes|images|hosts [NAME]');
  }
  const name = ref?.name ?? second;
  return {
    kind,
    namesOnly: options.output === 'name',
    ...(name === undefined ? {} : { name }),
    ...(options.allNamespaces === true ? {} : { namespace: call.globals.namespace }),
    ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
  };
}

async function lookUp(
  call: Call,
  world: World,
  query: Query & { allowMissing?: boolean },
): Promise<Answer> {
  const answer = await answerOf(call.context, world, query);
  if (query.name !== undefined && answer.objects.length === 0 && query.allowMissing !== true) {
    const all = `benchctl get ${query.kind}s -A`;
    throw notFound(`${query.kind}/${query.name}`, query.namespace ?? '(any)', all);
  }
  return answer;
}

function viewOptions(call: Call, options: GetOptions): () => ViewOptions {
  return () => ({
    wide: options.output === 'wide',
    namespaces: options.allNamespaces === true,
    now: call.now(),
  });
}

function printAnswer(call: Call, options: GetOptions, query: Query, answer: Answer): void {
  const { output } = options;
  if (output !== undefined && output !== 'wide') {
    const single = query.name !== undefined && query.namespace !== undefined;
    call.context.stdout.write(printObjects(answer.objects, output, { kind: query.kind, single }));
    return;
  }
  const table = answer.table(viewOptions(call, options)());
  if (table.rows.length === 0) {
    const where = query.namespace === undefined ? '' : ` in namespace ${query.namespace}`;
    call.note(`no ${query.kind}s${where}`);
    return;
  }
  call.print(
    ...renderTable(
      table.titles,
      table.rows.map((row) => row.cells),
      { paint: call.paint },
    ),
  );
}

/** Faults of the directory explain a spec that is not followed, so nobody should miss them. */
function noteFaults(call: Call, world: World): void {
  const { faults } = world.snapshot();
  const [first] = faults;
  if (first === undefined) return;
  const more = faults.length === 1 ? '' : ` (and ${faults.length - 1} more: benchctl plan)`;
  call.note(`${oneLine(describeFault(first))}${more}`);
}
