/**
 * The one command that asks a booted guest for its facts, and the reading of its answer.
 * The untouched image is the guest's second disk, mounted read-only there, so leftovers of the build
 * are told apart from what the first boot made.
 */

import type { GuestFacts } from './contract.ts';
import { ImageError } from './image-error.ts';

export type AskedFacts = Omit<
  GuestFacts,
  'leaseClientId' | 'mac' | 'domainUuid' | 'injectedKey' | 'diskBytes'
>;

/** Files that must not exist in an image, as patterns under its root. */
const LEFTOVERS = [
  'etc/ssh/ssh_host_*',
  'var/lib/dbus/machine-id',
  'var/lib/dhcp/*',
  'var/lib/systemd/random-seed',
  'var/lib/systemd/network/*',
  'root/.ssh',
  'root/.bash_history',
  'home/*/.ssh',
  'etc/munge/munge.key',
  'etc/slurm/slurm.conf',
  'etc/apt/apt.conf.d/*proxy*',
  'customize.sh',
];

/** Folders whose files are left over from a build. */
const EMPTY_FOLDERS = ['var/lib/apt/lists', 'var/cache/apt', 'var/log', 'tmp', 'var/tmp', 'run'];

export function factsScript(programs: readonly string[], daemons: readonly string[]): string {
  return `
say() { printf '%s\\t%s\\n' "$1" "$2"; }
say systemState "$(timeout 90 systemctl is-system-running --wait)"
systemctl list-units --failed --plain --no-legend | while read -r unit _; do say failedUnits "$unit"; done
say productUuid "$(cat /sys/class/dmi/id/product_uuid)"
say machineId "$(cat /etc/machine-id)"
for key in /etc/ssh/ssh_host_*_key; do say hostKeys "\${key##*/}"; done
while read -r line; do say authorizedKeys "$line"; done </root/.ssh/authorized_keys
say rootBytes "$(df --block-size=1 --output=size / | tail -n 1 | tr -d ' ')"
awk '$1 == "nameserver" { print $2 }' /etc/resolv.conf | while read -r at; do say nameServers "$at"; done
for name in ${programs.join(' ')}; do command -v "$name" >/dev/null || say missingPrograms "$name"; done
for unit in ${daemons.join(' ')}; do
  [ "$(systemctl is-active "$unit")" = inactive ] || say activeDaemons "$unit"
  [ "$(systemctl is-enabled "$unit")" = enabled ] && say enabledDaemons "$unit"
done
mkdir -p /run/image && mount -o ro,noload /dev/vdb /run/image || exit 1
cd /run/image
for pattern in ${LEFTOVERS.join(' ')}; do
  for path in $pattern; do [ ! -e "$path" ] || say leftovers "$path"; done
done
[ ! -s etc/machine-id ] || say leftovers etc/machine-id
find ${EMPTY_FOLDERS.join(' ')} -type f -size +0 -printf 'leftovers\\t%p\\n'
cd / && umount /run/image
say done 1
`;
}

export function parseFacts(output: string): AskedFacts {
  const seen = new Map<string, string[]>();
  for (const line of output.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab < 0) continue;
    const key = line.slice(0, tab);
    seen.set(key, [...(seen.get(key) ?? []), line.slice(tab + 1)]);
  }
  // At its place and nowhere else: a name of a file may hold a line break and any word.
  const rootBytes = Number(seen.get('rootBytes')?.[0] ?? '');
  if (!/(^|\n)done\t1\n*$/.test(output) || seen.get('done')?.length !== 1) {
    throw new ImageError('GUEST_UNREACHABLE', 'The guest did not answer to the end', { output });
  }
  if (!Number.isSafeInteger(rootBytes) || rootBytes < 0) {
    throw new ImageError('GUEST_UNREACHABLE', 'The guest told no size of its disk', { output });
  }
  const list = (key: string): string[] => seen.get(key) ?? [];
  const first = (key: string): string => list(key)[0] ?? '';
  return {
    systemState: first('systemState'),
    failedUnits: list('failedUnits'),
    productUuid: first('productUuid'),
    machineId: first('machineId'),
    hostKeys: list('hostKeys'),
    authorizedKeys: list('authorizedKeys'),
    rootBytes,
    nameServers: list('nameServers'),
    missingPrograms: list('missingPrograms'),
    activeDaemons: list('activeDaemons'),
    enabledDaemons: list('enabledDaemons'),
    leftovers: list('leftovers'),
  };
}
