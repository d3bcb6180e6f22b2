/**
 * The texts that reach a guest: slurm.conf, drop-ins of units, and the scripts of the two pieces of
 * guest work, forming the head and joining a worker. Each script may be cut off anywhere and run
 * again. Secrets come as files, never in a text. Pure.
 */
import type { SlurmSpec } from '../../../crd/bench-cluster.ts';
import { digestOf, sha256 } from '../../../lib/hash.ts';
import { quote } from '../../../lib/quote.ts';
import type { GuestFile } from '../../bench-cluster/action.ts';
import { mergedParameters, needsRestart } from './config.ts';
import {
  appliedPath,
  confPath,
  enabledDir,
  joinMark,
  pidFiles,
  slurmdDropInPath,
} from './facts.ts';

export const mungeKeySecret = 'munge.key';
const stateDir = '/var/lib/benchcluster';
const stagedPath = `${stateDir}/slurm.conf`;
const goodPath = `${stateDir}/slurm.conf.good`;
const defaultPartition = 'all';

export interface HeadInput {
  cluster: string;
  name: string;
  address: string;
  pools: string[];
  config: SlurmSpec;
}

export interface JoinInput {
  name: string;
  address: string;
  pool: string;
  headAddress: string;
}

export interface RenderedHead {
  conf: string;
  /** Of `conf`, as sha256sum prints it. */
  digest: string;
  /** Of the parameters that slurmctld reads only when it starts. */
  restartDigest: string;
}

export function renderHead(input: HeadInput): RenderedHead {
  const parameters: [string, string][] = [
    ['ClusterName', input.cluster],
    ['SlurmctldHost', `${input.name}(${input.address})`],
    ...mergedParameters(input.config),
  ];
  const conf = [
    '# Written by the BenchCluster controller; other changes are undone.',
    ...parameters.map(([name, value]) => `${name}=${value}`),
    ...input.pools.map((pool) => `NodeSet=pool-${pool} Feature=${pool}`),
    `PartitionName=${defaultPartition} Nodes=ALL Default=YES MaxTime=INFINITE State=UP`,
    ...input.pools.map(
      (pool) => `PartitionName=${partitionOf(pool)} Nodes=pool-${pool} MaxTime=INFINITE State=UP`,
    ),
    '',
  ].join('\n');
  const atStart = parameters.filter(([name]) => name === 'ClusterName' || needsRestart(name));
  return { conf, digest: sha256(conf), restartDigest: digestOf(atStart) };
}

/** `default` (a keyword of Slurm) and the partition of all nodes are not free for pools. */
export function partitionOf(pool: string): string {
  return pool === 'default' || pool === defaultPartition ? `${pool}-pool` : pool;
}

function dropIn(unit: string): GuestFile {
  return {
    path: `/etc/systemd/system/${unit}.service.d/10-benchcluster.conf`,
    mode: '0644',
    owner: 'root:root',
    content: { text: '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=2\n' },
  };
}

const mungeKey: GuestFile = {
  path: '/etc/munge/munge.key',
  mode: '0400',
  owner: 'munge:munge',
  content: { secret: mungeKeySecret },
};

export function headFiles(head: RenderedHead): GuestFile[] {
  return [
    mungeKey,
    dropIn('munge'),
    dropIn('slurmctld'),
    { path: stagedPath, mode: '0644', owner: 'root:root', content: { text: head.conf } },
  ];
}

export const joinFiles: GuestFile[] = [mungeKey, dropIn('munge'), dropIn('slurmd')];

/** The name of the machine; what both roles begin with. */
function identityScript(name: string, address: string): string {
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
function enableScript(unit: 'slurmctld' | 'slurmd', other: 'slurmctld' | 'slurmd'): string {
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

export function headScript(input: HeadInput, head: RenderedHead): string {
  return `${identityScript(input.name, input.address)}${enableScript('slurmctld', 'slurmd')}
install -d -o slurm -g slurm -m 0755 /var/lib/slurm/slurmctld
answers() { case $(timeout 10 scontrol ping 2>/dev/null) in *' is UP'*) ;; *) return 1 ;; esac; }
wait_for_answer() {
  tries=0
  dead=0
  until answers; do
    tries=$((tries + 1))
    [ "$tries" -lt 8 ] || systemctl is-active --quiet slurmctld.service || dead=$((dead + 1))
    if [ "$tries" -gt 100 ] || [ "$dead" -ge 3 ]; then return 1; fi
    sleep 0.3
  done
}
put_conf() { install -m 0644 "$1" ${confPath}.new && mv ${confPath}.new ${confPath}; }
# "reconfigure" finds a fault in the file without harm and hands the file to all slurmds. Slurm 22
# loses count of the jobs on dynamic nodes by it, unless it is restarted at once. Jobs outlive both.
use_conf() {
  case $1 in
  start) systemctl restart $services; services=slurmctld.service ;;
  restart) timeout 30 scontrol reconfigure || :; systemctl restart slurmctld.service ;;
  reconfigure)
    timeout 30 scontrol reconfigure || return 1
    case $(slurmctld -V) in *' 22.'*) systemctl restart slurmctld.service ;; esac
    ;;
  esac
  wait_for_answer
}
how=start
if [ -e ${confPath} ]; then
  case $services in munge*) systemctl restart munge.service; services=slurmctld.service ;; esac
  if answers; then
    how=restart
    if grep -q ' ${head.restartDigest} ' ${appliedPath} 2>/dev/null; then how=reconfigure; fi
  fi
fi
# Every Slurm program reads the whole file first, so one of them finds its faults without harm.
fault=$(SLURM_CONF=${stagedPath} timeout 10 scontrol ping 2>&1 | grep -E 'error:|fatal:' || :)
case $fault in
*'process configuration file'*) printf 'slurm.conf is faulty, nothing was changed: %s\\n' "$fault" >&2; exit 1 ;;
esac
put_conf ${stagedPath}
if ! use_conf "$how"; then
  echo "slurmctld refuses the new slurm.conf (tried by $how)" >&2
  check_munge
  show_log slurmctld
  if [ -e ${goodPath} ]; then
    put_conf ${goodPath}
    answers || use_conf start
    echo 'it is back on the last good slurm.conf' >&2
  fi
  exit 1
fi
note_key
cp ${confPath} ${goodPath}
printf '%s %s %s\\n' ${head.digest} ${head.restartDigest} "$(date +%s%N)" >${appliedPath}.new
mv ${appliedPath}.new ${appliedPath}
`;
}

/** What the join that is in place was made from; not its text, so that a new release changes none. */
export function joinDigest(input: JoinInput): string {
  return digestOf(input).slice(0, 32);
}

export function joinScript(input: JoinInput): string {
  return `${identityScript(input.name, input.address)}
hardware=$(timeout 20 slurmd -C 2>/dev/null || :)
hardware=\${hardware#*CPUs=}
hardware=\${hardware%%
*}
memory=\${hardware##* RealMemory=}
hardware=CPUs=\${hardware%% RealMemory=*}
case $memory in '' | *[!0-9]*) echo 'slurmd -C tells no hardware' >&2; exit 1 ;; esac
# Slurm keeps the first registration for good and drains a node that later shows a single MiB less,
# which a kernel may do from boot to boot: so a little less than there is, and a round number.
memory=$(((memory - 4) / 16 * 16))
mkdir -p ${slurmdDropInPath.replace(/\/[^/]*$/, '')}
cat >${slurmdDropInPath}.new <<end
${joinMark}${joinDigest(input)}
[Unit]
ConditionPathExists=
[Service]
ExecStart=
ExecStart=$(command -v slurmd) -D -s -Z --conf-server ${input.headAddress}:6817 -N $name --conf "$hardware RealMemory=$memory Feature=${input.pool}"
end
mv ${slurmdDropInPath}.new ${slurmdDropInPath}
${enableScript('slurmd', 'slurmctld')}case $services in munge*) systemctl restart munge.service; services=slurmd.service ;; esac
note_key
# A slurmd that finds no slurmctld tries again only after ten seconds: it starts when one listens.
if command -v bash >/dev/null; then
  timeout 120 bash -c 'until : </dev/tcp/$0/6817; do sleep 0.3; done 2>/dev/null' ${input.headAddress} || {
    echo 'nothing listens at ${input.headAddress}, port 6817' >&2
    exit 1
  }
fi
began=$(date +%s)
systemctl restart $services
# Before slurmd has its configuration, Slurm's programs look for a head in the DNS for seconds, and
# until it has begun they only keep it from its work.
registered() {
  [ -e /run/slurm/conf/slurm.conf ] && [ -e ${pidFiles.slurmd} ] || return 1
  record=$(timeout 10 scontrol show node -o "$name" 2>/dev/null) || return 1
  case $record in *' SlurmdStartTime='[0-9]*) ;; *) return 1 ;; esac
  record=\${record#* SlurmdStartTime=}
  [ "\${record%% *}" -ge "$began" ]
}
tries=0
until registered; do
  tries=$((tries + 1))
  if [ "$tries" -gt 200 ]; then
    echo "slurmd did not register with ${input.headAddress} within its time" >&2
    check_munge
    show_log slurmd
    exit 1
  fi
  sleep 0.3
done
`;
}
