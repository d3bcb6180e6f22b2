/**
 * What a guest itself says about Slurm: the daemons' units, and which configuration is in place.
 * The script changes nothing and prints a bounded number of lines; the parser takes nothing that
 * lacks the end marker. A guest that never met us has no digests, and that is how it is known.
 */

export interface DaemonFacts {
  /** systemd's ActiveState. */
  active: string;
  /** Starts again at a boot of the guest. */
  enabled: boolean;
  /** Changes with each start and stop; compared, never interpreted. */
  incarnation: string;
}

export const daemons = ['munge', 'slurmctld', 'slurmd'] as const;
export type Daemon = (typeof daemons)[number];

export interface SlurmFacts {
  daemons: Record<Daemon, DaemonFacts>;
  /** Digest of the installed slurm.conf; on heads. */
  confDigest?: string;
  /** Digest of the configuration that slurmctld runs with; on heads that were formed. */
  appliedDigest?: string;
  /** Differs with each time that a configuration was applied; compared, never interpreted. */
  appliedSerial?: string;
  /** Digest of the inputs of the join that is in place; on joined workers. */
  joinDigest?: string;
  /** What that join told slurmd to register; unknown where an earlier release wrote it. */
  joinHardware?: { cpus: number; memoryMiB: number };
}

export class SlurmOutputError extends Error {
  readonly code = 'SLURM_OUTPUT_UNTRUSTED';
  readonly output: string;
  constructor(message: string, output: string) {
    super(message);
    this.name = 'SlurmOutputError';
    this.output = output.slice(0, 2000);
  }
}

export const confPath = '/etc/slurm/slurm.conf';
/**
 * Four words: digest of the applied slurm.conf, of what needs a restart of slurmctld in it, the
 * time, and the digest of what needs a restart of every slurmd.
 */
export const appliedPath = '/var/lib/benchcluster/slurm-head';
/** On heads: a node and the start of its slurmd in each line, as of the last such change. */
export const olderSlurmdsPath = '/var/lib/benchcluster/slurm-older';
export const slurmdDropInPath = '/etc/systemd/system/slurmd.service.d/20-benchcluster-join.conf';
/** Followed by CPUs, MiB of memory and the digest; earlier releases wrote the digest alone. */
export const joinMark = '# benchcluster join ';

export const enabledDir = '/etc/systemd/system/multi-user.target.wants';
export const pidFiles: Record<Daemon, string> = {
  munge: '/run/munge/munged.pid',
  slurmctld: '/run/slurmctld.pid',
  slurmd: '/run/slurmd.pid',
};
const units = daemons.map((name) => `${name}.service`).join(' ');

/**
 * Nothing is asked about daemons that we never configured, and systemd tells at length only about
 * one that should run and does not: in an emulated guest each of its answers takes a tenth of a
 * second, and the first visit is one that the whole cluster waits for.
 */
const daemonScript = `ask=
daemon() {
  enabled=disabled; pid=
  if [ -e ${enabledDir}/$1.service ]; then enabled=enabled; fi
  if [ "$2" = active ] && [ -r "$3" ]; then read -r pid <"$3" || :; fi
  printf 'daemon %s %s %s\\n' $1 ActiveState "$2" $1 UnitFileState $enabled $1 MainPID "$pid"
  if [ $enabled = enabled ] && [ -z "$pid" ]; then ask=yes; fi
}
if [ -e ${confPath} ] || [ -e ${appliedPath} ] || [ -e ${slurmdDropInPath} ]; then
  set -- $(systemctl is-active ${units} 2>/dev/null)
${daemons.map((name, at) => `  daemon ${name} "\${${at + 1}:-unknown}" ${pidFiles[name]}`).join('\n')}
fi
if [ -n "$ask" ]; then
  systemctl show -p Id -p ActiveEnterTimestampMonotonic -p InactiveEnterTimestampMonotonic ${units} 2>/dev/null |
    awk 'BEGIN { RS = ""; FS = "\\n" } {
      id = ""
      for (i = 1; i <= NF; i++) if (sub(/^Id=/, "", $i)) { id = $i; sub(/[.]service$/, "", id); $i = "" }
      for (i = 1; i <= NF; i++) if (sub(/=/, " ", $i)) print "daemon " id " " $i
    }'
fi`;

export const factsScript = `(
export LC_ALL=C
echo 'slurm-facts 1'
${daemonScript}
if [ -r ${confPath} ] && sum=$(sha256sum ${confPath}); then echo "conf \${sum%% *}"; fi
if [ -r ${appliedPath} ] && read -r digest start serial slurmd <${appliedPath}; then
  case $serial in '' | *[!0-9]*) ;; *) echo "applied $digest $serial" ;; esac
fi
if [ -r ${slurmdDropInPath} ] && read -r hash name kind words <${slurmdDropInPath}; then
  case "$hash $name $kind " in '${joinMark}') echo "join $words" ;; esac
fi
echo 'slurm-facts end'
)`;

function isDaemon(name: string | undefined): name is Daemon {
  return daemons.some((daemon) => daemon === name);
}

const singleKinds = ['conf', 'applied', 'join'];

export function parseFacts(stdout: string): SlurmFacts {
  const lines = stdout.trimEnd().split('\n');
  if (lines[0] !== 'slurm-facts 1' || lines.at(-1) !== 'slurm-facts end') {
    throw new SlurmOutputError('the facts of Slurm are cut off or not ours', stdout);
  }
  const states = new Map<string, string>();
  const single = new Map<string, string[]>();
  for (const line of lines.slice(1, -1)) {
    const [kind = '', ...words] = line.split(' ');
    const [name, property, value] = words;
    if (kind === 'daemon' && isDaemon(name)) states.set(`${name}.${property}`, value ?? '');
    else if (kind === 'daemon') throw new SlurmOutputError('unknown daemon in the facts', stdout);
    else if (singleKinds.includes(kind) && !single.has(kind)) single.set(kind, words);
    else throw new SlurmOutputError('a line of the facts is not understood', stdout);
  }
  const daemonFacts = (name: Daemon): DaemonFacts => ({
    active: states.get(`${name}.ActiveState`) ?? 'unknown',
    enabled: states.get(`${name}.UnitFileState`) === 'enabled',
    incarnation: ['MainPID', 'ActiveEnterTimestampMonotonic', 'InactiveEnterTimestampMonotonic']
      .map((property) => states.get(`${name}.${property}`) ?? '')
      .join('/'),
  });
  const [confDigest] = single.get('conf') ?? [];
  const [appliedDigest, appliedSerial] = single.get('applied') ?? [];
  const [joinDigest, memory, cpus] = single.get('join')?.toReversed() ?? [];
  const joinHardware = { cpus: Number(cpus), memoryMiB: Number(memory) };
  return {
    daemons: {
      munge: daemonFacts('munge'),
      slurmctld: daemonFacts('slurmctld'),
      slurmd: daemonFacts('slurmd'),
    },
    ...(confDigest !== undefined && { confDigest }),
    ...(appliedDigest !== undefined && { appliedDigest }),
    ...(appliedSerial !== undefined && { appliedSerial }),
    ...(joinDigest !== undefined && { joinDigest }),
    ...(isWhole(cpus) && isWhole(memory) && { joinHardware }),
  };
}

/** More digits would be no exact number. */
export function isWhole(text: string | undefined): boolean {
  return /^\d{1,15}$/.test(text ?? '');
}
