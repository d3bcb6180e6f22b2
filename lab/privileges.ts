/**
 * Whether this user and this machine can hold a lab at all.
 * The answer is exact: which right or program is missing, and the command that mends it.
 * It changes nothing.
 */

import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { LabError } from './lab-error.ts';

/** Programs that a lab runs, and the Debian package that brings each. */
const PROGRAMS: Readonly<Record<string, string>> = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  flock: 'util-linux',
  mount: 'mount',
  ip: 'iproute2',
  libvirtd: 'libvirt-daemon-system',
  virtlogd: 'libvirt-daemon-system',
  virsh: 'libvirt-clients',
  dnsmasq: 'dnsmasq-base',
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
};

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** PATH of the lab's programs: the caller's own, then the system folders (a user has no sbin). */
export function labPath(path = process.env.PATH ?? ''): string {
  return path === '' ? SYSTEM_PATH : `${path}:${SYSTEM_PATH}`;
}

export function findProgram(name: string, path = labPath()): string | undefined {
  for (const folder of path.split(':')) {
    const candidate = join(folder === '' ? '.' : folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

export function missingPackages(path = labPath()): string[] {
  const missing = Object.entries(PROGRAMS)
    .filter(([program]) => findProgram(program, path) === undefined)
    .map(([, packageName]) => packageName);
  return [...new Set(missing)];
}

/** Throws when no lab can be started here; the message says what to type. */
export function requireLabRights(
  uid = process.getuid?.() ?? -1,
  argv: readonly string[] = process.argv,
): void {
  if (uid !== 0) {
    throw new LabError(
      'NOT_ROOT',
      'A private libvirt needs root: it makes its own mount, process and network namespaces ' +
        '(mount and bridge devices are refused to user ' +
        `${uid}). Run: sudo -E ${argv.map(quote).join(' ')}`,
      { uid },
    );
  }
  const packages = missingPackages();
  if (packages.length > 0) {
    throw new LabError(
      'COMMAND_MISSING',
      `Programs are missing. Run: apt-get install --no-install-recommends ${packages.join(' ')}`,
      { packages },
    );
  }
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
