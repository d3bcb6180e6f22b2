/**
 * Builds a guest image from a recipe: packages by mmdebstrap from Debian's own mirror, an ext4 file
 * system in a qcow2, and the kernel and a small initrd for direct kernel boot.
 * The result is content-addressed by the recipe's digest, appears in one rename when it is whole, and
 * is built only when it is not there. It needs root, because the files of an image belong to many users.
 */

import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { runCommand } from './command.ts';
import { ImageError } from './image-error.ts';
import type { BuiltImage, ImageFile, ImageManifest } from './manifest.ts';
import { defaultImageCache, imageDir, MANIFEST_FILE, readImage } from './manifest.ts';
import type { Recipe } from './recipe.ts';

export type BuildStage = 'cached' | 'packages' | 'filesystem' | 'disk' | 'digest' | 'done';

export type BuildProgress = { stage: BuildStage; elapsedMs: number; line?: string };

export type BuildOptions = {
  cacheDir?: string;
  progress?: (progress: BuildProgress) => void;
  signal?: AbortSignal;
  /** A mirror of Debian's archives, without path; default: what mmdebstrap itself takes. */
  mirror?: string;
  /** Builds although the image is there. */
  force?: boolean;
};

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const DISK_SIZE = 1024 ** 3;
/**
 * mmdebstrap mounts the machine's own /dev, /proc and /sys below its folder. Killed half-way it must
 * leave none of these mounts behind: the folder is then removed with everything in it.
 */
const OWN_NAMESPACES = 'unshare --mount --pid --fork --kill-child --mount-proc --'.split(' ');
const HOOK = fileURLToPath(new URL('./customize-hook.sh', import.meta.url));

export async function buildImage(recipe: Recipe, options: BuildOptions = {}): Promise<BuiltImage> {
  const started = performance.now();
  const report = (stage: BuildStage, line?: string): void => {
    const elapsedMs = Math.round(performance.now() - started);
    options.progress?.({ stage, elapsedMs, ...(line === undefined ? {} : { line }) });
  };
  const cacheDir = options.cacheDir ?? defaultImageCache();
  const target = imageDir(cacheDir, recipe.name, recipe.digest);
  const present = options.force === true ? undefined : await readImage(target);
  if (present !== undefined) {
    report('cached');
    return present;
  }
  if (process.getuid?.() !== 0) {
    const message = 'An image is built as root. Run the same command with: sudo -E';
    throw new ImageError('NOT_ROOT', message, { uid: process.getuid?.() });
  }
  const parent = join(cacheDir, recipe.name);
  await mkdir(parent, { recursive: true });
  const work = await mkdtemp(join(parent, '.building-'));
  try {
    await makeFileSystem(recipe, work, options, report);
    report('disk');
    const raw = join(work, 'disk.raw');
    const disk = join(work, 'disk.qcow2');
    // The old compatibility level costs nothing and is read by every QEMU that is still in use.
    await runCommand(['qemu-img', 'convert', '-c', '-O', 'qcow2', raw, disk], options);
    await rm(raw);
    report('digest');
    await writeManifest(recipe, work);
    await chmod(work, 0o755);
    await publish(work, target, options.force === true);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const image = await readImage(target);
  if (image === undefined) {
    throw new ImageError('IMAGE_DAMAGED', `${target} is not there after its build`, { target });
  }
  report('done');
  return image;
}

async function makeFileSystem(
  recipe: Recipe,
  work: string,
  options: BuildOptions,
  report: (stage: BuildStage, line?: string) => void,
): Promise<void> {
  const env = {
    ...process.env,
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
    LC_ALL: 'C.UTF-8',
    TMPDIR: work,
    RECIPE: recipe.dir,
    OUT: work,
    DISK_SIZE: `${DISK_SIZE}`,
    FS_UUID: uuidOf(recipe.digest),
  };
  let stage: BuildStage = 'packages';
  report(stage);
  const argv = ['mmdebstrap', ...mmdebstrapArguments(recipe, options.mirror)];
  await runCommand([...OWN_NAMESPACES, ...argv], {
    env,
    signal: options.signal,
    onLine: (line) => {
      if (!line.startsWith('I: ')) return;
      if (line.includes('--customize-hook')) stage = 'filesystem';
      report(stage, line.slice(3).split(':')[0] ?? '');
    },
  });
}

export function mmdebstrapArguments(recipe: Recipe, mirror?: string): string[] {
  const { suite } = recipe;
  const tiny = '"$1"/etc/tiny-initramfs';
  const modules = recipe.initrdModules.join(',');
  const settings = `AUTO_MODULES=no\\nMICROCODE=no\\nINCLUDE_MODULES=${modules}\\n`;
  return [
    '--variant=minbase',
    '--format=null',
    // With /usr merged from the start, Debian's conversion tool and its perl are not needed.
    '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr',
    ...recipe.exclude.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    '--dpkgopt=force-unsafe-io',
    '--aptopt=APT::Install-Recommends "false"',
    `--include=${['usr-is-merged', ...recipe.packages].join(',')}`,
    // Before the kernel is installed, whose script makes the initrd at once.
    `--essential-hook=mkdir -p ${tiny} && printf '${settings}' >${tiny}/tiny-initramfs.conf`,
    `--customize-hook=sh '${HOOK}' "$1"`,
    `--keyring=${KEYRING}`,
    suite,
    '/dev/null',
    ...(mirror === undefined ? [] : sources(suite, mirror)),
  ];
}

/** Without these mmdebstrap takes Debian's own archives, with updates and security. */
function sources(suite: string, mirror: string): string[] {
  const source = (path: string, name: string): string =>
    `deb [signed-by=${KEYRING}] ${mirror}/${path} ${name} main`;
  return [
    source('debian', suite),
    source('debian', `${suite}-updates`),
    source('debian-security', `${suite}-security`),
  ];
}

/** The same recipe gives the same file system id. */
function uuidOf(digest: string): string {
  const hex = `${digest.slice(0, 12)}4${digest.slice(13, 16)}8${digest.slice(17, 32)}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

async function writeManifest(recipe: Recipe, work: string): Promise<void> {
  const packages: Record<string, string> = {};
  const listing = join(work, 'packages.txt');
  for (const line of (await readFile(listing, 'utf8')).split('\n')) {
    const [name, version] = line.split(' ');
    if (name !== undefined && version !== undefined) packages[name] = version;
  }
  await rm(listing);
  const manifest: ImageManifest = {
    name: recipe.name,
    recipe: recipe.digest,
    builtAt: new Date().toISOString(),
    provides: recipe.provides,
    user: 'root',
    access: 'SystemdCredentials',
    cmdline: recipe.cmdline,
    disk: { ...(await describe(work, 'disk.qcow2')), format: 'qcow2', virtualSize: DISK_SIZE },
    kernel: await describe(work, 'vmlinuz'),
    initrd: await describe(work, 'initrd'),
    packages,
  };
  await writeFile(join(work, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
}

async function describe(dir: string, name: string): Promise<ImageFile> {
  const path = join(dir, name);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { name, size: (await stat(path)).size, sha256: hash.digest('hex') };
}

/** Moves the whole folder to its name. When somebody else was quicker, theirs stays. */
async function publish(work: string, target: string, replace: boolean): Promise<void> {
  if (replace) {
    const old = join(target, '..', `.old-${randomUUID()}`);
    await rename(target, old).catch(() => {});
    await rm(old, { recursive: true, force: true });
  }
  try {
    await rename(work, target);
  } catch (error) {
    if ((await readImage(target)) === undefined) throw error;
  }
}
