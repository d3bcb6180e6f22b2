/** `image list|prune`: what is in the cache and in the pools of hosts, and what of it may go. */
import { type Command, Option } from 'commander';
import { toError } from '../../lib/error.ts';
import { oneLine } from '../../lib/printable.ts';
import { bounded } from '../bounded.ts';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-code.ts';
import type { HostAccess } from '../hosts/host-access.ts';
import { hostsInUse, lookAtHosts, noteUnreached, withHosts } from '../hosts/look.ts';
import type { ImageTools } from '../image-tools.ts';
import { allCopies, type CopyState, type ImageCopy, type PlacedCopy } from '../images/copies.ts';
import { type OutputFormat, outputOption } from '../output.ts';
import type { Register } from '../program.ts';
import { printAge } from '../view/age.ts';
import { printBytes } from '../view/bytes.ts';
import type { Tone } from '../view/color.ts';
import { renderTable } from '../view/table.ts';
import { withWorld } from '../world.ts';

export function addImageCopies(image: Command, register: Register): void {
  const list = image
    .command('list')
    .description('List images in the cache and in the pools of hosts, and who uses them.')
    .addOption(outputOption(['json']));
  const prune = image
    .command('prune')
    .description('Remove images of ours that nothing uses, from the cache and from hosts.')
    .addOption(new Option('--dry-run', 'only say which'))
    .addOption(new Option('-y, --yes', 'do not ask').conflicts('dryRun'));
  register(list, runList);
  register(prune, runPrune);
}

async function runList(call: Call): Promise<number> {
  const copies = await withHosts(call.context, async (access) =>
    look(call, await call.context.images(), access),
  );
  if (call.options<{ output?: OutputFormat }>().output === 'json') {
    call.print(JSON.stringify(copies.map(printed), undefined, 2));
  } else if (copies.length === 0) {
    call.note('no images; build one: benchctl image build');
  } else {
    call.print(...copyTable(call, copies));
  }
  return exitCodes.ok;
}

async function runPrune(call: Call): Promise<number> {
  const { dryRun, yes } = call.options<{ dryRun?: true; yes?: true }>();
  const tools = await call.context.images();
  return withHosts(call.context, async (access) => {
    const unused = (await look(call, tools, access)).filter(isUnused);
    if (unused.length === 0) {
      call.print('nothing to remove');
      return exitCodes.ok;
    }
    call.print(...copyTable(call, unused));
    if (dryRun) {
      call.print(`${unused.length} would be removed, ${total(unused)}`);
      return exitCodes.ok;
    }
    if (yes !== true && !(await confirmed(call, unused))) {
      call.print('nothing was removed');
      return exitCodes.ok;
    }
    return remove(call, unused, tools, access);
  });
}

/** The question may have stood for long, so only what is unused still is removed. */
async function remove(
  call: Call,
  shown: readonly PlacedCopy[],
  tools: ImageTools,
  access: HostAccess,
): Promise<number> {
  const now = new Set((await look(call, tools, access)).filter(isUnused).map(keyOf));
  const removed: PlacedCopy[] = [];
  const kept: string[] = [];
  const keptFiles = new Set<string>();
  // The cache last: while a volume is on a host, the cache is what tells that it is ours.
  for (const copy of shown.toSorted((a, b) => Number('cached' in a) - Number('cached' in b))) {
    try {
      if (!now.has(keyOf(copy))) throw new Error('it is not unused any more');
      if (!('cached' in copy)) await deleteVolume(call, access, copy);
      else if (copy.cached.volumes.some((file) => keptFiles.has(file)))
        throw new Error('a host still has it');
      else await tools.remove(copy.cached);
      removed.push(copy);
    } catch (thrown) {
      call.context.signal.throwIfAborted();
      keptFiles.add(copy.file);
      kept.push(`${copy.file} in ${copy.where}: ${oneLine(toError(thrown).message)}`);
    }
  }
  call.print(`${removed.length} removed, ${total(removed)}`);
  const [first, ...more] = kept;
  if (first === undefined) return exitCodes.ok;
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  throw new CliError('failed', `not removed: ${first}${others}`, 'benchctl image list');
}

function deleteVolume(
  { context: { clock, signal } }: Call,
  access: HostAccess,
  { host, file }: Extract<PlacedCopy, { host: unknown }>,
): Promise<void> {
  return bounded((inner) => access.deleteVolume(host, file, inner), clock, signal);
}

async function confirmed(call: Call, unused: readonly PlacedCopy[]): Promise<boolean> {
  const what = unused.length === 1 ? 'this image' : `these ${unused.length} images`;
  const answer = await call.context.ask(`Remove ${what}, ${total(unused)}? [y/N] `);
  if (answer !== undefined) return /^y(es)?$/i.test(answer.trim());
  throw new CliError(
    'usage',
    'image prune asks before it removes, and nobody is at the terminal',
    'benchctl image prune --dry-run, then benchctl image prune --yes',
  );
}

async function look(call: Call, tools: ImageTools, access: HostAccess): Promise<PlacedCopy[]> {
  return withWorld(call.context, call.globals, async (world) => {
    const snapshot = world.snapshot();
    const records = (await world.state.clusters()).map(({ record }) => record);
    const [cached, seen] = await Promise.all([
      tools.cached(),
      lookAtHosts(access, hostsInUse(snapshot.manifests, records), call.context),
    ]);
    noteUnreached(call, seen);
    return allCopies({ snapshot, records, cached, seen, now: call.context.clock.now() });
  });
}

function isUnused({ state }: ImageCopy): boolean {
  return state === 'unused';
}

function keyOf({ where, file }: ImageCopy): string {
  return `${where} ${file}`;
}

function total(copies: readonly ImageCopy[]): string {
  return printBytes(copies.reduce((sum, { bytes = 0 }) => sum + bytes, 0));
}

function printed(copy: PlacedCopy): ImageCopy {
  const { name, digest, where, file, bytes, usedBy, state, createdAt } = copy;
  return {
    ...{ name, digest, where, file, usedBy, state },
    ...(bytes !== undefined && { bytes }),
    ...(createdAt !== undefined && { createdAt }),
  };
}

const tones: Partial<Record<CopyState, Tone>> = { unused: 'warn', foreign: 'dim' };

function copyTable(call: Call, copies: readonly ImageCopy[]): string[] {
  const now = call.context.clock.now();
  const rows = copies.map(({ name, digest, where, bytes, usedBy, state, createdAt, file }) => [
    name,
    digest,
    where,
    bytes === undefined ? '-' : printBytes(bytes),
    usedBy.length === 0 ? '-' : `${usedBy.length}`,
    { text: state, tone: tones[state] ?? 'good' },
    printAge(createdAt, now),
    file,
  ]);
  const titles = ['NAME', 'DIGEST', 'WHERE', 'SIZE', 'USED-BY', 'STATE', 'AGE', 'FILE'];
  return renderTable(titles, rows, { paint: call.paint });
}
