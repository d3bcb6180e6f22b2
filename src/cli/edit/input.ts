/** The manifests that `-f` names: files, directories, or stdin. */
import { join, resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import { isDirectory } from '../world.ts';
import { type ManifestFile, readDirectory, readManifest } from './directory.ts';

export type Input = ManifestFile;

export async function readInputs(
  names: readonly string[],
  readStdin: () => Promise<string>,
): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const name of names) {
    if (name === '-') inputs.push({ path: join(resolve('.'), '<stdin>'), text: await readStdin() });
    else if (await isDirectory(name)) inputs.push(...(await readAll(name)));
    else inputs.push(await readManifest(resolve(name)));
  }
  return inputs;
}

/** Not in silence when it has none: it was hardly the directory that was meant. */
async function readAll(name: string): Promise<Input[]> {
  const files = await readDirectory(resolve(name));
  if (files.length > 0) return files;
  const next = 'name a directory that holds .yaml, .yml or .json files';
  throw new CliError('notFound', `${name} holds no manifest file`, next);
}
