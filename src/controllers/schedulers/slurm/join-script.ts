/** The guest work that makes a machine a worker of its cluster. Pure. */
import { joinMark, pidFiles, slurmdDropInPath } from './facts.ts';
import { enableScript, identityScript } from './node-script.ts';
import { type JoinInput, joinDigest } from './render.ts';

/** Of slurmd after its start: without a head it asks again every ten seconds, and a head may be starting. */
const registrationSeconds = 120;

export function joinScript(input: JoinInput): string {
  return `${identityScript(input.name, input.address)}
hardware=$(timeout 20 slurmd -C 2>/dev/null || :)
hardware=\${hardware#*CPUs=}
hardware=\${hardware%%
*}
memory=\${hardware##* RealMemory=}
hardware=\${hardware%% RealMemory=*}
case $memory in '' | *[!0-9]*) echo 'slurmd -C tells no hardware' >&2; exit 1 ;; esac
# Slurm keeps the first registration for good and drains a node that later shows a single MiB less,
# which a kernel may do from boot to boot: so a little less than there is, and a round number.
memory=$(((memory - 4) / 16 * 16))
mkdir -p ${slurmdDropInPath.replace(/\/[^/]*$/, '')}
cat >${slurmdDropInPath}.new <<end
${joinMark}\${hardware%% *} $memory ${joinDigest(input)}
[Unit]
ConditionPathExists=
[Service]
ExecStart=
ExecStart=$(command -v slurmd) -D -s -Z --conf-server ${input.headAddress}:6817 -N $name --conf "CPUs=$hardware RealMemory=$memory Feature=${input.pool}"
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
deadline=$(($(seconds) + ${registrationSeconds}))
until registered; do
  if [ "$(seconds)" -ge "$deadline" ]; then
    echo "slurmd did not register with ${input.headAddress} within ${registrationSeconds} seconds" >&2
    check_munge
    show_log slurmd
    exit 1
  fi
  sleep 0.3
done
`;
}
