/** `image build|verify`, and the group they are in: making and checking of guest images. */
import { type Command, Option } from 'commander';
import { defaultHost } from '../../controllers/bench-cluster/references.ts';
import type { BenchHost } from '../../crd/bench-host.ts';
import { hostsOf, meant } from '../../crd/references.ts';
import { oneLine } from '../../lib/printable.ts';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-code.ts';
import type { ImageProgress } from '../image-tools.ts';
import type { Register } from '../program.ts';
import { printBytes } from '../view/bytes.ts';
import { renderTable } from '../view/table.ts';
import { notFound, withWorld } from '../world.ts';
import { addImageCopies } from './image-copies.ts';

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
    .argument('<image>', 'name of the image')
    .addOption(new Option('--host <host>', 'BenchHost to boot it on (default: this machine)'));
  register(build, runBuild);
  register(verify, runVerify);
  addImageCopies(image, register);
}

async function runBuild(call: Call): Promise<number> {
  const { force } = call.options<{ force?: true }>();
  // commander fills the default in beside the words.
  const recipe = call.words[0] ?? 'debian-slurm';
  const built = await (await call.context.images()).build(
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
  const host = await hostOf(call);
  const checks = await (await call.context.images()).verify(
    name,
    host,
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

async function hostOf(call: Call): Promise<BenchHost> {
  const { host: name } = call.options<{ host?: string }>();
  if (name === undefined) return defaultHost;
  const { namespace } = call.globals;
  return withWorld(call.context, call.globals, async (world) => {
    const found = meant(hostsOf(world.snapshot().manifests), namespace, name);
    if (found === undefined) throw notFound(`host/${name}`, namespace, 'benchctl get hosts -A');
    return found;
  });
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
