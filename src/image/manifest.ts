/**
 * What a built image is: image.json beside its files, and where images are kept.
 * An image's folder is named by its recipe's digest and appears only when it is whole.
 */

import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export type ImageFile = { name: string; size: number; sha256: string };

export type ImageManifest = {
  name: string;
  /** Digest of the recipe it was built from. */
  recipe: string;
  builtAt: string;
  provides: readonly string[];
  user: string;
  access: 'SystemdCredentials';
  cmdline: string;
  disk: ImageFile & { format: 'qcow2'; virtualSize: number };
  kernel: ImageFile;
  initrd: ImageFile;
  packages: Readonly<Record<string, string>>;
};

/** A built image: its manifest and the absolute paths of its files. */
export type BuiltImage = {
  dir: string;
  disk: string;
  kernel: string;
  initrd: string;
  manifest: ImageManifest;
};

export const MANIFEST_FILE = 'image.json';

/** `$XDG_CACHE_HOME/benchcluster/images`, the default place of built images. */
export function defaultImageCache(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CACHE_HOME;
  const cache = base !== undefined && base !== '' ? base : join(homedir(), '.cache');
  return join(cache, 'benchcluster', 'images');
}

export function imageDir(cacheDir: string, name: string, recipeDigest: string): string {
  return join(cacheDir, name, recipeDigest.slice(0, 12));
}

/** The image in a folder, undefined when there is none. */
export async function readImage(dir: string): Promise<BuiltImage | undefined> {
  let manifest: ImageManifest;
  try {
    manifest = JSON.parse(await readFile(join(dir, MANIFEST_FILE), 'utf8'));
  } catch {
    return undefined;
  }
  return {
    dir,
    disk: join(dir, manifest.disk.name),
    kernel: join(dir, manifest.kernel.name),
    initrd: join(dir, manifest.initrd.name),
    manifest,
  };
}

/** Every whole image in the cache, newest first. */
export async function listImages(cacheDir = defaultImageCache()): Promise<BuiltImage[]> {
  const entries = await readdir(cacheDir, { recursive: true, withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.name === MANIFEST_FILE);
  const images = await Promise.all(folders.map((entry) => readImage(entry.parentPath)));
  return images
    .filter((image) => image !== undefined)
    .filter((image) => !image.dir.slice(cacheDir.length).includes('/.'))
    .sort((a, b) => b.manifest.builtAt.localeCompare(a.manifest.builtAt));
}
