/**
 * The scheduler's own view: nodes and jobs as slurmctld tells them now, in one script on the head. Output without its end marker, with other counts, or
 * with a line that is not understood throws: a cut answer must never look like an empty cluster.
 * Free text of people (reasons, comments) may hold anything and is taken for text only.
 */
import { confPath, isWhole, olderSlurmdsPath, SlurmOutputError } from './facts.ts';
import { expandHostlist } from './hostlist.ts';

export interface NodeRecord {
  name: string;
  /** Where slurmctld reaches it; a later registration from elsewhere does not change it. */
  address: string;
  cpus: number;
  realMemoryMib: number;
  /** First word of the state, such as IDLE, MIXED, ALLOCATED, DOWN. */
  base: string;
  /** DRAIN, NOT_RESPONDING, DYNAMIC_NORM … */
  flags: string[];
  /** Unix seconds on the node's clock; absent until it registered with this slurmctld. */
  bootTime?: number;
  slurmdStartTime?: number;
  /** Its slurmd runs since before a change of settings that it reads only when it starts. */
  isOlder?: true;
  /** `at` in unix seconds on the head's clock. */
  reason?: { text: string; user: string; at: number };
}

export interface JobRecord {
  id: string;
  state: string;
  nodes: string[];
}

export interface SlurmView {
  /** Unix seconds on the head's clock when it was asked. */
  clock: number;
  nodes: Map<string, NodeRecord>;
  jobs: JobRecord[];
}

const nodeKeys = 'NodeName NodeAddr CPUTot RealMemory State BootTime SlurmdStartTime'.split(' ');
/** Every state in which a job may hold a node or still want one. */
const jobStates = 'PD,CF,R,S,ST,CG,RS,SI,SO,RQ,RD';

/** Of all jobs together: a short line may stand for thousands of nodes. */
const mostNamed = 300_000;

/** Keeps seven fields of each record, and its reason when that is its first free text. */
const nodeFilter = `/^NodeName=/ {
  free = length($0) + 1; reason = ""
  if (match($0, / (Reason|Comment|Extra)=/)) {
    free = RSTART
    if (substr($0, RSTART, 8) == " Reason=") reason = substr($0, RSTART + 8, 400)
  }
  count = split(substr($0, 1, free - 1), words, " ")
  split("", fields)
  for (i = 1; i <= count; i++) {
    at = index(words[i], "="); key = substr(words[i], 1, at - 1)
    if (at > 0 && !(key in fields)) fields[key] = substr(words[i], at + 1)
  }
  line = "node"
  for (i = 1; i <= wanted; i++) line = line "\\t" (names[i] in fields ? fields[names[i]] : "?")
  gsub(/[\\t\\r]/, " ", reason)
  started = fields["SlurmdStartTime"]; before = older[fields["NodeName"]]
  print line "\\t" (before != "" && before == started ? "older" : "-") "\\t" reason; nodes++
}`;

export const viewScript = `(
export LC_ALL=C SLURM_TIME_FORMAT=%s
fail() { printf 'error %s\\n' "$(printf %s "$1" | tr '\\n\\t\\r' '   ' | cut -c 1-500)"; exit 1; }
# Without it Slurm's programs look for a head in the DNS, which takes seconds.
[ -e ${confPath} ] || fail '${confPath} is not there'
nodes=$(timeout 20 scontrol show nodes -o 2>&1) || fail "scontrol: $nodes"
jobs=$(timeout 20 squeue -h -a -t ${jobStates} -o '%i|%T|%N' 2>/dev/null) ||
  fail 'squeue could not ask slurmctld'
printf 'slurm-view 1 %s\\n' "$(date +%s)"
printf '%s\\n' "$jobs" - "$nodes" | awk -v list='${nodeKeys.join(' ')}' '
BEGIN {
  wanted = split(list, names, " ")
  while ((getline line <"${olderSlurmdsPath}") > 0) { split(line, words, " "); older[words[1]] = words[2] }
}
!below && $0 == "-" { below = 1; next }
!below && $0 != "" { gsub(/\\|/, "\\t"); print "job\\t" $0; jobs++ }
below && ${nodeFilter}
END { printf "slurm-view end %d %d\\n", nodes, jobs }'
)`;

export function parseView(stdout: string): SlurmView {
  const lines = stdout.trimEnd().split('\n');
  const refused = lines.find((line) => line.startsWith('error '));
  if (refused !== undefined) throw new SlurmOutputError(refused.slice(6), stdout);
  const start = /^slurm-view 1 (\d{1,15})$/.exec(lines[0] ?? '');
  const end = /^slurm-view end (\d+) (\d+)$/.exec(lines.at(-1) ?? '');
  if (start === null || end === null || lines.length < 2) {
    throw new SlurmOutputError('the view of Slurm is cut off or not ours', stdout);
  }
  const view: SlurmView = {
    clock: Number(start[1]),
    nodes: new Map(),
    jobs: [],
  };
  let named = 0;
  for (const line of lines.slice(1, -1)) {
    addLine(view, line);
    if (line.startsWith('job\t')) named += view.jobs.at(-1)?.nodes.length ?? 0;
    if (named > mostNamed) throw new SlurmOutputError('the jobs name too many nodes', stdout);
  }
  if (view.nodes.size !== Number(end[1]) || view.jobs.length !== Number(end[2])) {
    throw new SlurmOutputError('the view of Slurm has other counts than it says', stdout);
  }
  return view;
}

function addLine(view: SlurmView, line: string): void {
  const [kind, ...fields] = line.split('\t');
  const [first = '', second = '', third = ''] = fields;
  switch (kind) {
    case 'job':
      if (fields.length !== 3) throw new SlurmOutputError('a job is not understood', line);
      view.jobs.push({
        id: first,
        state: second,
        nodes: third === '' ? [] : expandHostlist(third),
      });
      return;
    case 'node': {
      const node = parseNode(fields, line);
      if (view.nodes.has(node.name)) throw new SlurmOutputError('a node is told twice', line);
      view.nodes.set(node.name, node);
      return;
    }
    default:
      throw new SlurmOutputError('a line of the view is not understood', line);
  }
}

function parseNode(fields: string[], line: string): NodeRecord {
  const [name = '?', address = '?', cpus, memory, state = '?', boot, slurmd, age, text = ''] =
    fields;
  const [base = '', ...flags] = state.split('+');
  const known = /^[A-Za-z0-9._-]+$/.test(name) && /^[A-Z_]+\*?$/.test(base) && address !== '?';
  if (fields.length !== 9 || !known || !isWhole(cpus) || !isWhole(memory)) {
    throw new SlurmOutputError('a node is not understood', line);
  }
  const reason = /^(.*?) \[([^\s@\]]+)@(\d{1,15})\]/.exec(text);
  return {
    name,
    address,
    cpus: Number(cpus),
    realMemoryMib: Number(memory),
    base: base.replace('*', ''),
    flags: base.endsWith('*') ? [...flags, 'NOT_RESPONDING'] : flags,
    ...timeOf('bootTime', boot, line),
    ...timeOf('slurmdStartTime', slurmd, line),
    ...(age === 'older' && { isOlder: true as const }),
    ...(reason && {
      reason: { text: printable(reason[1] ?? ''), user: reason[2] ?? '', at: Number(reason[3]) },
    }),
  };
}

function timeOf(key: 'bootTime' | 'slurmdStartTime', text: string | undefined, line: string) {
  if (text === 'None' || text === 'Unknown' || text === '0') return {};
  if (!isWhole(text)) throw new SlurmOutputError(`${key} is not understood`, line);
  return { [key]: Number(text) };
}

function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ').slice(0, 300);
}
