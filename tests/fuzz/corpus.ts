/**
 * The committed inputs: a folder for each surface, each file named by a digest of its bytes. One
 * that begins with "crash-" once broke the property and stays for good; the others are there
 * because they run code that no seed runs.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nameOf } from './minimize.ts';
import type { Surface } from './surface.ts';

const root = new URL('./corpus/', import.meta.url);

export interface Committed {
  name: string;
  bytes: Uint8Array;
}

function folderOf({ name }: Surface): URL {
  return new URL(`${name}/`, root);
}

export function committed(surface: Surface): Committed[] {
  const folder = folderOf(surface);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }));
}

export function isCrash({ name }: Committed): boolean {
  return name.startsWith('crash-');
}

/** Seeds of the fixtures and what is committed. */
export function knownInputs(surface: Surface): Uint8Array[] {
  return [...surface.seeds(), ...committed(surface).map(({ bytes }) => bytes)];
}

/** Its path, as one types it. */
export function saveCrash(surface: Surface, bytes: Uint8Array): string {
  const folder = folderOf(surface);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`crash-${nameOf(bytes)}`, folder);
  writeFileSync(file, bytes);
  return relative(process.cwd(), fileURLToPath(file));
}

/** These and no others, besides the crashes. */
export function replaceCorpus(surface: Surface, inputs: readonly Uint8Array[]): void {
  const folder = folderOf(surface);
  mkdirSync(folder, { recursive: true });
  for (const entry of committed(surface)) if (!isCrash(entry)) rmSync(new URL(entry.name, folder));
  for (const bytes of inputs) writeFileSync(new URL(nameOf(bytes), folder), bytes);
}
