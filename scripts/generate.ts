/**
 * Writes what is generated from the schemas: the CRDs and the API reference.
 * `--check` writes nothing and fails, naming the files, when one of them is not what it should be.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { apiDocs } from '../src/crd/api-docs.ts';
import { crdName, crdYaml } from '../src/crd/crd-yaml.ts';
import { kindNames } from '../src/crd/kinds.ts';

const root = dirname(import.meta.dirname);
const crdDirectory = join('manifests', 'crds');

export function generatedFiles(): Map<string, string> {
  return new Map([
    ...kindNames.map((kind): [string, string] => [
      join(crdDirectory, `${crdName(kind)}.yaml`),
      crdYaml(kind),
    ]),
    [join('docs', 'api.md'), apiDocs()],
  ]);
}

/** Files that differ from what would be generated, and generated files that nothing makes any more. */
export async function staleFiles(): Promise<string[]> {
  const files = generatedFiles();
  const differing: string[] = [];
  for (const [file, text] of files) {
    const present = await readFile(join(root, file), 'utf8').catch(() => undefined);
    if (present !== text) differing.push(file);
  }
  const present = await readdir(join(root, crdDirectory)).catch(() => []);
  const extra = present.map((name) => join(crdDirectory, name)).filter((file) => !files.has(file));
  return [...differing, ...extra];
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const stale = await staleFiles();
  if (values.check) {
    for (const file of stale) console.error(`${file} is not fresh: run node scripts/generate.ts`);
    if (stale.length > 0) process.exitCode = 1;
    return;
  }
  const files = generatedFiles();
  for (const file of stale) {
    const text = files.get(file);
    await mkdir(dirname(join(root, file)), { recursive: true });
    if (text === undefined) await rm(join(root, file));
    else await writeFile(join(root, file), text);
    console.log(text === undefined ? `removed ${file}` : `wrote ${file}`);
  }
}

if (import.meta.main) await main();
