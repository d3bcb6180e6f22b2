/**
 * What the scripts of both roles begin with. Each script may be cut off anywhere and run again.
 * Pure.
 */
import { quote } from '../../../lib/quote.ts';
import { enabledDir } from './facts.ts';

/** The name of the machine; what both roles begin with. */
export function identityScript(name: string, address: string): string {
  return `set -eu
umask 022
export LC_ALL=C SLURM_TIME_FORMAT=%s
name=${quote(name)}
read -r known </proc/sys/kernel/hostname
if [ "$known" != "$name" ]; then hostname "$name"; fi
known=
if [ -r /etc/hostname ]; then read -r known </etc/hostname || :; fi
if [ "$known" != "$name" ]; then printf '%s\\n' "$name" >/etc/hostname; fi
hosts=$(grep -v ' # benchcluster$' /etc/hosts || :)
printf '%s\\n' "$hosts" ${quote(`${address} ${name} # benchcluster`)} >/etc/hosts
# Tries are bounded by the time they take, in seconds since the boot: where nobody is at an address,
# Slurm's programs wait ten seconds at each.
seconds() { read -r uptime idle </proc/uptime && echo "\${uptime%.*}"; }
show_log() {
  echo "$1:" >&2
  journalctl -u "$1.service" -n 10 -o cat --no-pager >&2 2>/dev/null || :
}
# Asked only when something has failed: each program that starts is dear in an emulated guest.
check_munge() {
  timeout 10 munge -n | timeout 10 unmunge >/dev/null || echo 'munge does not work' >&2
}
`;
}

/**
 * Run after all unit files are written: enables the role and leaves in $services what must be
 * started anew; that is munge too, unless it runs with the present key.
 */
export function enableScript(unit: 'slurmctld' | 'slurmd', other: 'slurmctld' | 'slurmd'): string {
  return `if [ -e ${enabledDir}/${other}.service ]; then
  systemctl disable --now --quiet ${other}.service
fi
# systemd reads the files of a unit when it is first needed, and all files anew by a reload, by far
# the dearest step here: none for units that were not enabled at the boot and never ran.
reload=no
if [ -e ${enabledDir}/munge.service ] || [ -e ${enabledDir}/${unit}.service ]; then reload=yes; fi
if [ $reload = no ]; then
  case $(systemctl is-active munge.service ${unit}.service) in
  "inactive
inactive") ;;
  *) reload=yes ;;
  esac
fi
systemctl enable --no-reload --quiet munge.service ${unit}.service
if [ $reload = yes ]; then systemctl daemon-reload; fi
services=${unit}.service
key=$(sha256sum /etc/munge/munge.key)
known=
if [ -r /run/munge/benchcluster-key ]; then read -r known </run/munge/benchcluster-key || :; fi
if [ "$known" != "\${key%% *}" ] || ! systemctl is-active --quiet munge.service; then
  services="munge.service $services"
fi
# The key that munge was started with; its directory is there only once munge runs.
note_key() { (umask 077 && printf '%s\\n' "\${key%% *}" >/run/munge/benchcluster-key); }
`;
}
