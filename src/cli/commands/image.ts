/** `image build|verify|list|prune`: guest images of this machine and in the pools of its hosts. */
import { type Command, Option } from 'commander';
import { oneLine } from '../../lib/printable.ts';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-code.ts';
import type { ImageCopy, ImageProgress } from '../image-tools.ts';
import { type OutputFormat, outputOption } from '../output.ts';
import type { Register } from '../program.ts';
import { printAge } from '../view/age.ts';
import { printBytes } from '../view/bytes.ts';
import { renderTable } from '../view/table.ts';

export function addImage(root: Command, register: Register): void {
  const image = root.command('image').description('Build, check, list and tidy guest images.');
  const build = image
    .command('build')
    .description('Build an image from its recipe and write its BenchImage manifest.')
    .argument('[recipe]', 'name of the recipe', 'debian-slurm')
    .option('--force', 'build again though a fresh one is there');
  const verify = image
    .command('verify')
    .description('Boot an image and check that it keeps the contract.')
    .argument('<image>', 'name of the image');
  const list = image
    .command('list')
    .description('List images in the cache and in the pools of hosts.')
    .addOption(outputOption(['json']));
  const prune = image
    .command('prune')
    .description('Remove images that nothing uses.')
    .addOption(new Option('--dry-run', 'only say which'));
  register(build, runBuild);
  register(verify, runVerify);
  register(list, runList);
  register(prune, runPrune);
}

async function runBuild(call: Call): Promise<number> {
  const { force } = call.options<{ force?: true }>();
  // commander fills the default in beside the words.
  const recipe = call.words[0] ?? 'debian-slurm';
  const built = await (await call.context.images(call.globals)).build(
    { recipe, force: force === true },
    progressNote(call),
    call.context.signal,
  );
  const how = built.reused ? 'is fresh' : 'built';
  call.print(
    `image/${built.name} ${how}: ${built.disk} (${printBytes(built.bytes)})`,
    `sha256 ${built.sha256}`,
    `next: benchctl apply -f ${built.manifest}`,
  );
  return exitCodes.ok;
}

async function runVerify(call: Call): Promise<number> {
  const name = (call.words[0] ?? '').replace(/^images?\//, '');
  const checks = await (await call.context.images(call.globals)).verify(
    name,
    progressNote(call),
    call.context.signal,
  );
  const rows = checks.map((check) => [
    check.name,
    check.passed ? { text: 'ok', tone: 'good' as const } : { text: 'fail', tone: 'bad' as const },
    check.detail,
  ]);
  call.print(...renderTable(['CHECK', 'RESULT', 'DETAIL'], rows, { paint: call.paint }));
  const failed = checks.filter((check) => !check.passed).length;
  if (failed === 0) return exitCodes.ok;
  const count = `${failed} of ${checks.length} checks failed`;
  const what = `image/${name} does not keep the contract: ${count}`;
  throw new CliError(
    'failed',
    what,
    `benchctl image build --force, then benchctl image verify ${name}`,
  );
}

async function runList(call: Call): Promise<number> {
  const copies = await (await call.context.images(call.globals)).list(call.context.signal);
  if (call.options<{ output?: OutputFormat }>().output === 'json') {
    call.print(JSON.stringify(copies, undefined, 2));
  } else if (copies.length === 0) {
    call.note('no images; build one: benchctl image build');
  } else {
    call.print(...copyTable(call, copies));
  }
  return exitCodes.ok;
}

async function runPrune(call: Call): Promise<number> {
  const dryRun = call.options<{ dryRun?: true }>().dryRun === true;
  const removed = await (await call.context.images(call.globals)).prune(
    { dryRun },
    call.context.signal,
  );
  const total = removed.reduce((sum, copy) => sum + copy.bytes, 0);
  if (removed.length > 0) call.print(...copyTable(call, removed));
  const verb = dryRun ? 'would be removed' : 'removed';
  call.print(`${removed.length} ${verb}, ${printBytes(total)}`);
  return exitCodes.ok;
}

function copyTable(call: Call, copies: readonly ImageCopy[]): string[] {
  const now = call.context.clock.now();
  const rows = copies.map((copy) => [
    copy.name,
    copy.sha256.slice(0, 12),
    copy.place,
    printBytes(copy.bytes),
    copy.usedBy.join(',') || '-',
    printAge(copy.createdAt, now),
    copy.file,
  ]);
  const titles = ['NAME', 'DIGEST', 'PLACE', 'SIZE', 'USED-BY', 'AGE', 'FILE'];
  return renderTable(titles, rows, { paint: call.paint });
}

/** A line on stderr for each stage, and for each tenth of one that knows how far it is. */
function progressNote(call: Call): (progress: ImageProgress) => void {
  let last = '';
  return ({ stage, message, fraction }) => {
    const tenth = fraction === undefined ? '' : ` ${Math.floor(fraction * 10) * 10} %`;
    const line = oneLine(`${stage}${tenth}${message === undefined ? '' : `: ${message}`}`);
    if (line !== last) call.context.stderr.write(`${line}\n`);
    last = line;
  };
}
