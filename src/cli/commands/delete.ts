/**
 * `delete`: takes objects out of the watched directory; the controller does the rest.
 * The deletion of a cluster is also written into the controller's state: it is asked for by name,
 * which an emptied directory (it may be a lost mount) and a mass deletion are not. The file goes
 * first: were we interrupted between the two, the same command goes on from there. A protected
 * cluster is refused before anything is touched.
 */
import type { Command } from 'commander';
import { isProtected, protectAnnotation } from '../../crd/annotations.ts';
import { load } from '../../crd/load.ts';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { commitEdits } from '../edit/commit.ts';
import { type ManifestFile, readDirectory } from '../edit/directory.ts';
import { DirectoryEdit, idOf, type ObjectId, sameId } from '../edit/edit.ts';
import { readInputs } from '../edit/input.ts';
import { usersOf } from '../edit/references.ts';
import { exitCodes } from '../exit-code.ts';
import { startCommand } from '../freshness.ts';
import { parseKind, parseRef, printRef, type Ref } from '../kind.ts';
import type { Register } from '../program.ts';
import type { StateView } from '../state-view.ts';
import { notFound } from '../world.ts';

export function addDelete(root: Command, register: Register): void {
  const remove = root
    .command('delete')
    .description('Take objects out of the watched directory, and so delete clusters.')
    .argument('[kind/name...]', 'such as cluster/slurm-a')
    .option('-f, --filename <file...>', 'the objects of these files; - is stdin');
  register(remove, runDelete);
}

async function runDelete(call: Call): Promise<number> {
  const { dir, state: stateDir } = call.globals;
  const ids = await objectsToDelete(call);
  const files = await readDirectory(dir);
  const edit = new DirectoryEdit(files);
  const removed = ids.filter((id) => edit.remove(id));
  refuseUsed(ids, edit);
  const state = await call.context.openState(stateDir);
  try {
    const already = await knownClusters(
      state,
      ids.filter((id) => !removed.includes(id)),
    );
    await refuseProtected(call, state, ids, files);
    await commitEdits(edit.edits());
    for (const { kind, namespace, name } of [...removed, ...already]) {
      if (kind === 'cluster') await state.requestDeletion(namespace, name);
    }
    call.print(
      ...removed.map((id) => `${printRef(id)} deleted from ${dir}`),
      ...already.map((id) => `${printRef(id)} is no longer in ${dir}; the controller removes it`),
    );
    await noteNext(call, state, [...removed, ...already]);
    return exitCodes.ok;
  } finally {
    await state.close();
  }
}

/** Clusters that are gone from the directory, and still kept by the controller; else: not found. */
async function knownClusters(state: StateView, missing: readonly ObjectId[]): Promise<ObjectId[]> {
  const records = (await state.clusters()).map(({ record }) => record.cluster.metadata);
  for (const { kind, namespace, name } of missing) {
    const known = records.some((item) => item.namespace === namespace && item.name === name);
    if (kind !== 'cluster' || !known) {
      throw notFound(`${kind}/${name}`, namespace, `benchctl get ${kind}s -A`);
    }
  }
  return [...missing];
}

async function objectsToDelete(call: Call): Promise<ObjectId[]> {
  const { filename } = call.options<{ filename?: string[] }>();
  const inputs = await readInputs(filename ?? [], () => call.context.readStdin());
  const named = refsOf(call.words).map((ref) => deletable(ref, call.globals.namespace));
  const ids = [
    ...named,
    ...inputs.flatMap(({ path, text }) => load(path, text).manifests.map(idOf)),
  ];
  if (ids.length > 0) return ids;
  throw new CliError('usage', 'nothing to delete was named', 'benchctl delete cluster/NAME');
}

/** `KIND/NAME…`, or `KIND NAME…` as kubectl has it. */
function refsOf(words: readonly string[]): Ref[] {
  const [first = '', ...names] = words;
  const kind = parseKind(first);
  if (kind !== undefined && names.length > 0) return names.map((name) => ({ kind, name }));
  return words.map((word) => {
    const ref = parseRef(word);
    if (ref !== undefined) return ref;
    throw new CliError('usage', `${word} is no KIND/NAME`, 'benchctl delete cluster/NAME');
  });
}

function deletable({ kind, name }: Ref, namespace: string): ObjectId {
  if (kind !== 'node') return { kind, namespace, name };
  throw new CliError(
    'usage',
    'a node is no manifest: it follows from its cluster',
    'lower replicas in the manifest of its cluster, then: benchctl plan',
  );
}

function refuseUsed(ids: readonly ObjectId[], edit: DirectoryEdit): void {
  const rest = edit.manifests();
  for (const id of ids) {
    const [user] = usersOf(id, rest);
    if (user === undefined) continue;
    throw new CliError(
      'failed',
      `${printRef(id)} is used by cluster/${user.name} in namespace ${user.namespace}`,
      `benchctl delete -n ${user.namespace} cluster/${user.name} first`,
    );
  }
}

/** As the manifest says, and as the controller has taken it in: it goes by the latter. */
async function refuseProtected(
  call: Call,
  state: StateView,
  ids: readonly ObjectId[],
  files: readonly ManifestFile[],
): Promise<void> {
  const written = files.flatMap(({ path, text }) => load(path, text).manifests);
  const records = (await state.clusters()).map(({ record }) => record.cluster);
  for (const id of ids) {
    if (id.kind !== 'cluster') continue;
    const manifest = written.find((each) => sameId(idOf(each), id));
    if (manifest && isProtected(manifest.object.metadata)) {
      const where = `${manifest.origin.file}:${manifest.origin.line}`;
      throw refusal(id, `take the annotation away in ${where}, wait until that is in force, then`);
    }
    const record = records.find(
      ({ metadata }) => metadata.namespace === id.namespace && metadata.name === id.name,
    );
    if (record === undefined || !isProtected(record.metadata)) continue;
    const take = 'have the controller take in its manifest without the annotation';
    throw refusal(id, `${take} (${startCommand(call)}), then`);
  }
}

function refusal(id: ObjectId, first: string): CliError {
  const what = `${printRef(id)} is protected by the annotation ${protectAnnotation}`;
  return new CliError('failed', what, `${first}: benchctl delete ${wordsFor(id)}`);
}

/** On a command line; a cluster of another namespace may have the same name. */
function wordsFor(id: ObjectId): string {
  return id.namespace === 'default' ? printRef(id) : `${printRef(id)} -n ${id.namespace}`;
}

async function noteNext(call: Call, state: StateView, ids: readonly ObjectId[]): Promise<void> {
  const cluster = ids.find(({ kind }) => kind === 'cluster');
  if (cluster === undefined) return;
  const life = await state.controller();
  const next = life.running
    ? `see it go: benchctl wait --for=delete ${wordsFor(cluster)}`
    : `the controller is not running; it deletes when run: ${startCommand(call)}`;
  call.note(next);
}
