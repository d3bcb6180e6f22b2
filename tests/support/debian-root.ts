/**
 * Systems of other Debian suites, to run another libvirt and QEMU than this machine's in a lab.
 * A root is named after all that goes into it, is built by mmdebstrap from Debian's own mirror only
 * when it is not there, and is kept in the user's cache beside the guest images.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { userCache } from '../../lab/start.ts';
import { runCommand } from '../../src/image/command.ts';

/** Recommended packages, such as a desktop's display for QEMU, would double the time and the size. */
const OPTIONS = [
  '--variant=minbase',
  '--format=directory',
  '--keyring=/usr/share/keyrings/debian-archive-keyring.gpg',
  '--dpkgopt=force-unsafe-io',
  '--aptopt=APT::Install-Recommends "false"',
  ...['doc', 'man', 'locale'].map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
];

/** mmdebstrap mounts our /proc and /sys below its folder: killed half-way, they must go with it. */
const OWN_NAMESPACES = 'unshare --mount --pid --fork --kill-child --mount-proc --'.split(' ');

/** The folder of a system of that suite with these packages. It takes two minutes, the first time. */
export async function debianRoot(suite: string, packages: readonly string[]): Promise<string> {
  const argv = [...OPTIONS, `--include=${packages.join(',')}`, suite];
  const digest = createHash('sha256').update(JSON.stringify(argv)).digest('hex').slice(0, 12);
  const cache = join(userCache(), 'roots');
  const target = join(cache, `${suite}-${digest}`);
  if (await isThere(target)) return target;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, '.building-'));
  try {
    const built = join(work, 'root');
    await runCommand([...OWN_NAMESPACES, 'mmdebstrap', ...argv, built], {
      env: { ...process.env, LC_ALL: 'C.UTF-8', TMPDIR: work },
    });
    await rename(built, target).catch(async (error: unknown) => {
      // Somebody else was quicker: theirs is as good.
      if (!(await isThere(target))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
