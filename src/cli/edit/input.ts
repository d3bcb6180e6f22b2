/** The manifests that `-f` names: files, directories, or stdin. */
import { join, resolve } from 'node:path';
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
    else if (await isDirectory(name)) inputs.push(...(await readDirectory(resolve(name))));
    else inputs.push(await readManifest(resolve(name)));
  }
  return inputs;
}
