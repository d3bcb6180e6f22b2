/**
 * `annotate`: sets or takes away annotations of an object in the watched directory, as kubectl has
 * it: `KEY=VALUE` sets, `KEY-` takes away, and a value is replaced only with `--overwrite`.
 */
import type { Command } from 'commander';
import { type AnnotationChanges, annotate } from '../../crd/annotate.ts';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { commitEdits } from '../edit/commit.ts';
import { readDirectory } from '../edit/directory.ts';
import { DirectoryEdit } from '../edit/edit.ts';
import { exitCodes } from '../exit-code.ts';
import { parseRef, printRef } from '../kind.ts';
import type { Register } from '../program.ts';
import { notFound } from '../world.ts';

const example =
  'benchctl annotate cluster/NAME benchcluster.io/protect=true, or benchcluster.io/protect-';

export function addAnnotate(root: Command, register: Register): void {
  const command = root
    .command('annotate')
    .description('Set (KEY=VALUE) or take away (KEY-) annotations of an object.')
    .argument('<kind/name>', 'such as cluster/slurm-a')
    .argument('<change...>', 'such as benchcluster.io/paused=true, or benchcluster.io/paused-')
    .option('--overwrite', 'replace a value that is there');
  register(command, runAnnotate);
}

async function runAnnotate(call: Call): Promise<number> {
  const [word = '', ...words] = call.words;
  const ref = parseRef(word);
  if (ref === undefined || ref.kind === 'node') {
    throw new CliError('usage', `${word} is no object with a manifest`, example);
  }
  const { dir, namespace } = call.globals;
  const id = { kind: ref.kind, namespace, name: ref.name };
  const edit = new DirectoryEdit(await readDirectory(dir));
  const changes = changesOf(words);
  const present = edit.annotations(id);
  if (present === undefined)
    throw notFound(printRef(id), namespace, `benchctl get ${ref.kind}s -A`);
  if (call.options<{ overwrite?: boolean }>().overwrite !== true) refuseOverwrite(changes, present);
  edit.change(id, (document) => annotate(document, changes));
  await commitEdits(edit.edits());
  call.print(`${printRef(id)} ${edit.edits().length > 0 ? 'annotated' : 'unchanged'}`);
  return exitCodes.ok;
}

function changesOf(words: readonly string[]): AnnotationChanges {
  const entries = words.map((word): [string, string | undefined] => {
    const [, name = '', value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (value !== undefined) return [name, value];
    if (word.length > 1 && word.endsWith('-')) return [word.slice(0, -1), undefined];
    throw new CliError('usage', `${word} is neither KEY=VALUE nor KEY-`, example);
  });
  return Object.fromEntries(entries);
}

function refuseOverwrite(changes: AnnotationChanges, present: Readonly<Record<string, string>>) {
  for (const [name, value] of Object.entries(changes)) {
    const old = Object.hasOwn(present, name) ? present[name] : undefined;
    if (value === undefined || old === undefined || old === value) continue;
    const message = `annotation ${name} has the value ${JSON.stringify(old)} already`;
    throw new CliError('failed', message, 'repeat the command with --overwrite');
  }
}
