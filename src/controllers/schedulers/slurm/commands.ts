/**
 * The short commands for slurmctld, run on the head. Each looks again just before it writes, so
 * that what a person did since the view was read is not overwritten, and none fails for being
 * done already: the next view tells whether it was. Pure.
 */
import { quote } from '../../../lib/quote.ts';
import { reasonPrefix } from './node-state.ts';
import type { NodeRecord } from './view.ts';

const setup = 'export LC_ALL=C SLURM_TIME_FORMAT=%s\n';
const scontrol = 'timeout 20 scontrol';
const restartedPath = '/run/benchcluster/slurmd-restarted';

/** Reasons are read back from Slurm's text output, so only plain words get in. */
export function ourReason(why: string): string {
  const plain = why.replaceAll(/[^A-Za-z0-9 .,:;/_-]/g, ' ').replaceAll(/ +/g, ' ');
  return `${reasonPrefix}${plain.trim().slice(0, 120)}`;
}

export function drainScript(node: string, why: string): string {
  return `${setup}state=$(${scontrol} show node -o ${quote(node)})
case $state in
*+DRAIN*) echo 'is drained already' ;;
*) ${scontrol} update nodename=${quote(node)} state=drain reason=${quote(ourReason(why))} ;;
esac
`;
}

/** Undoes our own drain or down and no other; `resume` alone would call it silent for a moment. */
export function resumeScript(node: string): string {
  return `${setup}state=$(${scontrol} show node -o ${quote(node)})
case $state in
*+DRAIN*' Reason=${reasonPrefix}'*) ${scontrol} update nodename=${quote(node)} state=undrain ;;
*' Reason=${reasonPrefix}'*) ${scontrol} update nodename=${quote(node)} state=resume ;;
*) echo 'the reason is not ours any more' ;;
esac
`;
}

/** Of a VM that cannot run: its jobs are requeued at once, not after SlurmdTimeout. */
export function downScript(node: string, why: string): string {
  return `${setup}state=$(${scontrol} show node -o ${quote(node)})
case $state in
*+DRAIN* | *' State=DOWN'*) echo 'takes no jobs already' ;;
*) ${scontrol} update nodename=${quote(node)} state=down reason=${quote(ourReason(why))} ;;
esac
`;
}

/** Like `deleteScript`, unless the node has registered or was drained since the view was read. */
export function forgetScript(seen: NodeRecord, why: string): string {
  return `${setup}state=$(${scontrol} show node -o ${quote(seen.name)})
case $state in
*' SlurmdStartTime=${seen.slurmdStartTime ?? 'None'} '*) ;;
*) echo 'it has registered meanwhile'; exit 0 ;;
esac
case $state in
*+DRAIN*' Reason=${reasonPrefix}'* | *+INVALID_REG*) ;;
*+DRAIN*) echo 'others have drained it meanwhile'; exit 0 ;;
esac
${deleteScript(seen.name, why)}`;
}

/** Only for a VM that is off or never joined: jobs that Slurm still sees there are requeued. */
export function deleteScript(node: string, why: string): string {
  return `${setup}${scontrol} show node -o ${quote(node)} >/dev/null 2>&1 || exit 0
${scontrol} delete nodename=${quote(node)} || {
  ${scontrol} update nodename=${quote(node)} state=down reason=${quote(ourReason(why))}
  ${scontrol} delete nodename=${quote(node)}
}
`;
}

/**
 * Run on the node itself. Once for each change: a node that does not come back is no reason to
 * restart it again. Steps of jobs run on.
 */
export function restartSlurmdScript({ name, slurmdStartTime }: NodeRecord): string {
  return `set -eu
${setup}known=
if [ -r ${restartedPath} ]; then read -r known <${restartedPath} || :; fi
if [ "$known" != ${slurmdStartTime ?? 'None'} ]; then
  systemctl restart slurmd.service
  mkdir -p ${restartedPath.replace(/\/[^/]*$/, '')}
  echo ${slurmdStartTime ?? 'None'} >${restartedPath}
fi
tries=0
while [ $tries -lt 20 ]; do
  case $(timeout 5 scontrol show node -o ${quote(name)} 2>/dev/null || :) in
  *' SlurmdStartTime=${slurmdStartTime ?? 'None'} '*) ;;
  *) exit 0 ;;
  esac
  tries=$((tries + 1))
  sleep 0.5
done
`;
}

export function addressScript(node: string, address: string): string {
  return `${setup}${scontrol} update nodename=${quote(node)} nodeaddr=${quote(address)}\n`;
}
