/** The guest work that forms the head, and that gives it another slurm.conf. Pure. */
import { appliedPath, confPath, olderSlurmdsPath } from './facts.ts';
import { enableScript, identityScript } from './node-script.ts';
import {
  goodPath,
  type HeadInput,
  type RenderedHead,
  stagedPath,
  startDigests,
  trialDir,
} from './render.ts';

/** What a person must mend; the rest of its message is Slurm's own. */
export const faultyConf = 'slurm.conf is faulty, nothing was changed:';

/** Of slurmctld after a start; one that cannot run has ended long before. */
const answerSeconds = 60;

/** Parameters that would bring the trial in the way of the slurmctld that runs, or of others. */
const notTried =
  'SlurmctldPort|SlurmctldPidFile|StateSaveLocation|SlurmctldLogFile|SlurmSchedLogFile|' +
  'SlurmctldPrimaryOnProg|SlurmctldPrimaryOffProg|AccountingStor[a-z]*[A-Za-z]*';

/**
 * What a value does is known only to slurmctld, and it ends over a bad one. So before one that runs
 * is given the file, another tries it, with a state and a port of its own and without accounting.
 */
const trialScript = `
try_conf() {
  rm -rf ${trialDir}
  mkdir -p ${trialDir}/state
  {
    grep -viE '^(${notTried})=' ${stagedPath}
    printf '%s\\n' SlurmctldPort=16817 SlurmctldPidFile=${trialDir}/pid StateSaveLocation=${trialDir}/state
  } >${trialDir}/slurm.conf
  chown -R slurm:slurm ${trialDir}
  # A file tells its end: a process that nobody has waited for yet still seems to be there.
  (timeout 90 slurmctld -D -f ${trialDir}/slurm.conf >${trialDir}/log 2>&1 || :; : >${trialDir}/ended) &
  tries=0
  until [ -e ${trialDir}/ended ] || SLURM_CONF=${trialDir}/slurm.conf answers || [ $tries -ge 40 ]; do
    tries=$((tries + 1))
    sleep 0.3
  done
  # The last plugins are loaded when it answers already.
  sleep 1
  fault=
  if [ -e ${trialDir}/ended ]; then fault=$(grep -E 'error:|fatal:' ${trialDir}/log | tail -n 4 || :); fi
  if [ -r ${trialDir}/pid ]; then kill "$(cat ${trialDir}/pid)" 2>/dev/null || :; fi
  wait
  rm -rf ${trialDir}
  [ -z "$fault" ] || { printf '${faultyConf} %s\\n' "$fault" >&2; exit 1; }
}
`;

export function headScript(input: HeadInput, head: RenderedHead): string {
  const atStart = startDigests(input);
  return `${identityScript(input.name, input.address)}${enableScript('slurmctld', 'slurmd')}
install -d -o slurm -g slurm -m 0755 /var/lib/slurm/slurmctld
answers() { case $(timeout 10 scontrol ping 2>/dev/null) in *' is UP'*) ;; *) return 1 ;; esac; }
wait_for_answer() {
  tries=0
  dead=0
  deadline=$(($(seconds) + ${answerSeconds}))
  until answers; do
    tries=$((tries + 1))
    [ "$tries" -lt 8 ] || systemctl is-active --quiet slurmctld.service || dead=$((dead + 1))
    if [ "$(seconds)" -ge "$deadline" ] || [ "$dead" -ge 3 ]; then return 1; fi
    sleep 0.3
  done
}
${trialScript}
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
    if grep -q ' ${atStart.slurmctld} ' ${appliedPath} 2>/dev/null; then how=reconfigure; fi
  fi
fi
# Every Slurm program reads the whole file first, so one of them finds its faults without harm.
fault=$(SLURM_CONF=${stagedPath} timeout 10 scontrol ping 2>&1 | grep -E 'error:|fatal:' || :)
case $fault in
*'process configuration file'*) printf '${faultyConf} %s\\n' "$fault" >&2; exit 1 ;;
esac
if [ "$how" != start ]; then
  try_conf
  slurmd=
  if [ -r ${appliedPath} ]; then read -r conf start serial slurmd <${appliedPath} || :; fi
  # Whose slurmd is of before this change is told by its start, which is on that node's own clock.
  if [ "$slurmd" != ${atStart.slurmd} ]; then
    timeout 20 scontrol show nodes -o | awk '{
      for (i = 2; i <= NF; i++) if ($i ~ /^SlurmdStartTime=[0-9]+$/) {
        print substr($1, 10), substr($i, 17); break
      }
    }' >${olderSlurmdsPath}.new
    mv ${olderSlurmdsPath}.new ${olderSlurmdsPath}
  fi
fi
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
printf '%s %s %s %s\\n' ${head.digest} ${atStart.slurmctld} "$(date +%s%N)" ${atStart.slurmd} >${appliedPath}.new
mv ${appliedPath}.new ${appliedPath}
`;
}
