/**
 * What a built image is: image.json beside its files, and where images are kept.
 * An image's folder is named by its recipe's digest and appears only when it is whole.
 */

import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const ImageFile = z.object({
  // Beside image.json, whatever somebody wrote there.
  name: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/),
  size: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const ImageManifest = z.object({
  name: z.string(),
  /** Digest of the recipe it was built from. */
  recipe: z.string(),
  builtAt: z.iso.datetime(),
  provides: z.array(z.string()).readonly(),
  user: z.string(),
  access: z.literal('SystemdCredentials'),
  cmdline: z.string(),
  disk: ImageFile.extend({ format: z.literal('qcow2'), virtualSize: z.int().min(0) }),
  kernel: ImageFile,
  initrd: ImageFile,
  packages: z.record(z.string(), z.string()),
});

export type ImageFile = z.infer<typeof ImageFile>;
export type ImageManifest = z.infer<typeof ImageManifest>;

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

/** The image in a folder; undefined when there is none, or one whose image.json is damaged. */
export async function readImage(dir: string): Promise<BuiltImage | undefined> {
  let manifest: ImageManifest;
  try {
    manifest = ImageManifest.parse(JSON.parse(await readFile(join(dir, MANIFEST_FILE), 'utf8')));
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
