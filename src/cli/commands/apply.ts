/**
 * `apply`: writes manifests into the watched directory for you. All are checked before the first
 * byte is written; an object that is there already is replaced in its own file.
 */
import { basename, dirname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { absolutePaths } from '../../crd/absolute-paths.ts';
import { describeFault } from '../../crd/fault.ts';
import { load } from '../../crd/load.ts';
import type { Manifest } from '../../crd/manifest.ts';
import { digestOf } from '../../lib/hash.ts';
import { oneLine } from '../../lib/printable.ts';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { commitEdits } from '../edit/commit.ts';
import { readDirectory } from '../edit/directory.ts';
import { DirectoryEdit, documentOf, idOf, type ObjectId } from '../edit/edit.ts';
import { type Input, readInputs } from '../edit/input.ts';
import { exitCodes } from '../exit-code.ts';
import { printRef } from '../kind.ts';
import type { Register } from '../program.ts';

export function addApply(root: Command, register: Register): void {
  const apply = root
    .command('apply')
    .description('Check manifests and write them into the watched directory.')
    .addOption(
      new Option(
        '-f, --filename <file...>',
        'files or directories; - is stdin',
      ).makeOptionMandatory(),
    )
    .option('--dry-run', 'check and say what would change; write nothing');
  register(apply, runApply);
}

async function runApply(call: Call): Promise<number> {
  const { filename, dryRun } = call.options<{ filename: string[]; dryRun?: true }>();
  const { dir } = call.globals;
  const inputs = await readInputs(filename, () => call.context.readStdin());
  const objects = inputs.flatMap((input) => objectsOf(call, input, dir));
  refuseDuplicates(objects);
  const edit = new DirectoryEdit(await readDirectory(dir));
  const order: Manifest['kind'][] = ['BenchHost', 'BenchImage', 'BenchCluster'];
  objects.sort((a, b) => order.indexOf(a.manifest.kind) - order.indexOf(b.manifest.kind));
  const results = objects.map(({ manifest, document }) => {
    const id = idOf(manifest);
    const result = edit.put(manifest, document, (attempt) => join(dir, fileName(id, attempt)));
    return `${printRef(id)} ${result}`;
  });
  if (dryRun !== true) await commitEdits(edit.edits());
  call.print(...results.map((line) => (dryRun === true ? `${line} (dry run)` : line)));
  return exitCodes.ok;
}

interface InputObject {
  manifest: Manifest;
  document: string;
}

/** The objects of one input as they will stand in the directory; throws on any fault. */
function objectsOf(call: Call, input: Input, dir: string): InputObject[] {
  const { manifests, faults } = load(input.path, input.text);
  if (faults.length > 0) {
    for (const fault of faults) call.note(oneLine(describeFault(fault)));
    const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`;
    throw new CliError(
      'invalidManifests',
      `${input.path} has ${count}; nothing was written`,
      `mend ${input.path}, then run the command again`,
    );
  }
  if (manifests.length === 0) {
    throw new CliError(
      'invalidManifests',
      `${input.path} holds no manifest`,
      'benchctl apply --help',
    );
  }
  return manifests.map((manifest) => {
    const document = documentOf(input.text, manifest);
    const fromDir = dirname(input.path);
    return fromDir === dir ? { manifest, document } : moved(manifest, document, fromDir, dir);
  });
}

/** The object in its new directory, proven to name the same files as in its old one. */
function moved(manifest: Manifest, document: string, fromDir: string, dir: string): InputObject {
  const text = absolutePaths(document, manifest.kind, fromDir);
  const [again] = load(join(dir, basename(manifest.origin.file)), text).manifests;
  if (again !== undefined && digestOf(again.object) === digestOf(manifest.object)) {
    return { manifest: again, document: text };
  }
  const what = `cannot make the paths of ${printRef(idOf(manifest))} absolute`;
  throw new CliError('failed', what, `write absolute paths in ${manifest.origin.file}`);
}

function refuseDuplicates(objects: readonly InputObject[]): void {
  const seen = new Map<string, Manifest>();
  for (const { manifest } of objects) {
    const key = JSON.stringify(idOf(manifest));
    const first = seen.get(key);
    if (first !== undefined) {
      const place = ({ origin }: Manifest) => `${origin.file}:${origin.line}`;
      const files = `${place(first)} and ${place(manifest)}`;
      throw new CliError(
        'invalidManifests',
        `${printRef(idOf(manifest))} is defined twice: ${files}`,
        'keep one of them',
      );
    }
    seen.set(key, manifest);
  }
}

function fileName({ kind, namespace, name }: ObjectId, attempt: number): string {
  const parts = [kind, ...(namespace === 'default' ? [] : [namespace]), name];
  return `${parts.join('-')}${attempt === 0 ? '' : `.${attempt + 1}`}.yaml`;
}
