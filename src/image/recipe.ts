/**
 * An image recipe: a folder with recipe.json, customize.sh and a tree of files.
 * Its digest covers every byte and executable bit of the folder, so an image is built again exactly
 * when its recipe changed. It knows nothing of how an image is built.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ImageError } from './image-error.ts';

export type Recipe = {
  dir: string;
  digest: string;
  name: string;
  suite: string;
  packages: readonly string[];
  /** What a cluster may ask of the image, such as "slurm". */
  provides: readonly string[];
  initrdModules: readonly string[];
  cmdline: string;
  /** Patterns of paths that packages do not unpack. */
  exclude: readonly string[];
};

/** Raised when the builder makes another image of the same recipe. */
const BUILDER_VERSION = '1';

export async function readRecipe(folder: string): Promise<Recipe> {
  const dir = resolve(folder);
  const file = join(dir, 'recipe.json');
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : `${error}`;
    throw new ImageError('RECIPE_INVALID', `${file}: ${why}`, { file }, error);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new ImageError('RECIPE_INVALID', `${file}: not an object`, { file });
  }
  const fields = new Map<string, unknown>(Object.entries(parsed));
  const text = (key: string, pattern: RegExp): string => {
    const value = fields.get(key);
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw invalid(file, key, `a text like ${pattern.source}`);
  };
  const list = (key: string, pattern: RegExp): string[] => {
    const value = fields.get(key);
    if (Array.isArray(value) && value.every((it) => typeof it === 'string' && pattern.test(it))) {
      return value;
    }
    throw invalid(file, key, `a list of texts like ${pattern.source}`);
  };
  return {
    dir,
    digest: await digestFolder(dir),
    name: text('name', /^[a-z][a-z0-9-]{0,40}$/),
    suite: text('suite', /^[a-z]+$/),
    packages: list('packages', /^[a-z0-9][a-z0-9.+-]*$/),
    provides: list('provides', /^[a-z]+$/),
    initrdModules: list('initrdModules', /^[a-z0-9_]+$/),
    cmdline: text('cmdline', /^[\x20-\x7e]+$/),
    exclude: list('exclude', /^\/[^\s]+$/),
  };
}

function invalid(file: string, field: string, wanted: string): ImageError {
  return new ImageError('RECIPE_INVALID', `${file}: ${field} must be ${wanted}`, { file, field });
}

async function digestFolder(dir: string): Promise<string> {
  const hash = createHash('sha256').update(`builder ${BUILDER_VERSION}\n`);
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const path of paths) {
    const content = await readFile(path);
    const executable = ((await stat(path)).mode & 0o100) !== 0 ? 'x' : '-';
    hash.update(`${path.slice(dir.length)}\0${executable}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}
