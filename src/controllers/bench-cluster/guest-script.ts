/**
 * The shell text that our own commands consist of: the facts of a guest in one go, and the start
 * of a transient unit. Scripts travel on stdin, so what is in them is in no process list. What the
 * shell can do itself starts no program: in an emulated guest each one costs 30 ms. Pure.
 */
import { quote } from '../../lib/quote.ts';
import type { GuestFacts, UnitView } from '../schedulers/scheduler.ts';

/** Lines of ours begin so; anything else in the output of a guest is noise. */
const mark = 'bc1:';

/**
 * Facts that every scheduler needs, then the module's own, then the scheduler's view where asked.
 * The end mark tells a whole answer from a cut one. What a command prints between its two marks is
 * text, whatever it looks like: both carry a word that nobody could know before this call.
 */
export function factsScript(schedulerFacts: string, viewScript?: string): string {
  return `export LC_ALL=C
read -r nonce </proc/sys/kernel/random/uuid
read -r boot </proc/sys/kernel/random/boot_id
read -r host </proc/sys/kernel/hostname
read -r uptime idle </proc/uptime
while read -r key size unit; do [ "$key" != MemTotal: ] || break; done </proc/meminfo
printf '${mark}%s\\n' "bootId=$boot" "hostname=$host" "cpus=$(nproc)" "memoryKiB=$size" "uptime=$uptime"
units=
if [ -d /run/benchcluster ]; then
  units=$(systemctl show 'benchcluster-*.service' --all \\
    -p Id -p ActiveState -p Result -p ExecMainStatus -p InactiveEnterTimestampMonotonic)
fi
set -f; IFS='
'
for line in $units; do printf '${mark}unit.%s\\n' "$line"; done
set +f; unset IFS
for file in /run/benchcluster/*.attempts; do
  [ -e "$file" ] || continue
  read -r count <"$file" || :
  file=\${file##*/}
  printf '${mark}attempts=%s\\n' "\${file%.attempts}=$count"
done
case $units in *ActiveState=failed*)
  for unit in $(systemctl list-units --plain --no-legend --state=failed 'benchcluster-*' | cut -d' ' -f1); do
    echo ${mark}journal=$unit=$(journalctl -u "$unit" -n 12 -o cat --no-pager | tail -c 1500 | base64 -w0)
  done ;;
esac
echo "${mark}begin=facts/$nonce"
( unset nonce; ${schedulerFacts}
) </dev/null
echo; echo "${mark}end=facts/$nonce"
${
  viewScript === undefined
    ? ''
    : `echo "${mark}begin=view/$nonce"
( unset nonce; ${viewScript}
) </dev/null 2>&1; status=$?
echo; echo "${mark}end=view/$nonce"
echo ${mark}viewStatus=$status
`
}echo ${mark}complete=1
`;
}

export interface FactsOutput {
  facts: Omit<GuestFacts<unknown>, 'scheduler'>;
  schedulerFacts: string;
  /** Absent when it was not asked for. */
  view?: { exitCode: number; output: string };
}

/**
 * Throws SyntaxError on an answer that is not whole: the end mark is the last line of ours, so what
 * is left of an answer that was cut never says anything else than the answer did.
 */
export function parseFacts(stdout: string, truncated = false): FactsOutput {
  // What is left out in the middle could be lines of ours, and no mark would tell.
  if (truncated) throw new SyntaxError('the answer of the guest is too long');
  const values = new Map<string, string[]>();
  const sections = new Map<string, string[]>();
  const units: Map<string, string>[] = [];
  let section: { mark: string; lines: string[] } | undefined;
  for (const line of stdout.split('\n')) {
    const match = line.startsWith(mark) ? /^([\w.]+)=(.*)$/.exec(line.slice(mark.length)) : null;
    const [, key = '', value = ''] = match ?? [];
    if (section !== undefined) {
      // Whatever a command prints, within its section it is text; our own line break comes last.
      if (key === 'end' && value === section.mark) {
        if (section.lines.at(-1) === '') section.lines.pop();
        section = undefined;
      } else section.lines.push(line);
    } else if (match === null) {
      // Noise, such as a greeting.
    } else if (values.has('complete')) throw cut();
    else if (key === 'begin') {
      section = { mark: value, lines: [] };
      sections.set(nameOf(value), section.lines);
    } else if (key.startsWith('unit.')) collectUnit(units, key.slice(5), value);
    else values.set(key, [...(values.get(key) ?? []), value]);
  }
  if (values.get('complete')?.[0] !== '1') throw cut();
  const view = sections.get('view');
  return {
    facts: {
      bootId: written(values, 'bootId'),
      hostname: one(values, 'hostname'),
      cpus: count(values, 'cpus'),
      memoryMiB: Math.floor(count(values, 'memoryKiB') / 1024),
      units: units.map((unit) => unitView(unit, values)),
    },
    schedulerFacts: (sections.get('facts') ?? []).join('\n'),
    ...(view && { view: { exitCode: count(values, 'viewStatus'), output: view.join('\n') } }),
  };
}

function cut(): SyntaxError {
  return new SyntaxError('the answer of the guest is cut');
}

/** `facts/6f0d…` → `facts`; a mark without its word is none of ours. */
function nameOf(mark: string): string {
  const [name = '', nonce = ''] = mark.split('/');
  if (nonce === '') throw new SyntaxError('a section of the answer has no word of its own');
  return name;
}

function collectUnit(units: Map<string, string>[], key: string, value: string): void {
  const last = units.at(-1);
  if (last === undefined || last.has(key)) units.push(new Map([[key, value]]));
  else last.set(key, value);
}

function unitView(unit: Map<string, string>, values: Map<string, string[]>): UnitView {
  const name = unit.get('Id') ?? '';
  const short = /^benchcluster-(.+)\.service$/.exec(name)?.[1];
  if (short === undefined)
    throw new SyntaxError('the answer of the guest has a unit without a name');
  const keyed = (key: string, of: string) =>
    values
      .get(key)
      ?.find((value) => value.startsWith(`${of}=`))
      ?.slice(of.length + 1);
  // A file that is being written, or a unit that never ended, has nothing there.
  const numberAt = (key: string) => numberOf(unit.get(key) || '0', key);
  const ended = numberAt('InactiveEnterTimestampMonotonic') / 1e6;
  const uptime = count(values, 'uptime');
  const activeState = unit.get('ActiveState') ?? '';
  return {
    name,
    activeState,
    result: unit.get('Result') ?? '',
    exitStatus: numberAt('ExecMainStatus'),
    attempts: numberOf(keyed('attempts', short) || '0', 'attempts'),
    ...(activeState === 'failed' && { endedSecondsAgo: Math.max(0, uptime - ended) }),
    journalTail: Buffer.from(keyed('journal', name) ?? '', 'base64').toString('utf8'),
  };
}

function one(values: Map<string, string[]>, key: string): string {
  const value = values.get(key)?.[0];
  if (value === undefined) throw new SyntaxError(`the answer of the guest lacks ${key}`);
  return value;
}

/** It names a boot, and no text would be the same for all. */
function written(values: Map<string, string[]>, key: string): string {
  const text = one(values, key);
  if (text === '') throw new SyntaxError(`the answer of the guest has nothing in ${key}`);
  return text;
}

function count(values: Map<string, string[]>, key: string): number {
  return numberOf(one(values, key), key);
}

function numberOf(text: string, key: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > Number.MAX_SAFE_INTEGER) {
    throw new SyntaxError(`the answer of the guest has no number in ${key}`);
  }
  return value;
}

export interface ResolvedFile {
  path: string;
  mode: string;
  owner: string;
  content: Uint8Array;
}

/**
 * Writes the files, each whole or not at all, and runs `script` as a transient oneshot unit that
 * outlives this connection. It returns when the unit has ended; a unit that runs or has succeeded
 * is left alone, a failed one starts anew.
 */
export function startUnitScript(unit: string, files: ResolvedFile[], script: string): string {
  const service = `benchcluster-${unit}.service`;
  const run = `/run/benchcluster/${unit}`;
  return `set -eu
umask 077
mkdir -p /run/benchcluster
state=inactive
if [ -e ${run}.attempts ]; then state=$(systemctl show -p ActiveState --value ${service}); fi
case $state in active|activating) exit 0 ;; esac
${writeFiles(files)}umask 077
${print(Buffer.from(script), `${run}.sh`)}
n=0
[ ! -e ${run}.attempts ] || read -r n <${run}.attempts || :
echo $((n + 1)) >${run}.attempts
[ "$state" != failed ] || systemctl reset-failed ${service} 2>/dev/null || :
exec systemd-run --quiet --unit=${service} --property=Type=oneshot \\
  --property=RemainAfterExit=yes /bin/sh ${run}.sh
`;
}

/** New directories must be open to those who read in them. */
function writeFiles(files: ResolvedFile[]): string {
  if (files.length === 0) return '';
  const directories = files.map(({ path }) => quote(path.replace(/\/[^/]*$/, '') || '/'));
  return `( umask 022 && exec mkdir -p ${[...new Set(directories)].join(' ')} )
rm -f ${files.map(({ path }) => quote(temporaryOf(path))).join(' ')}
${files.map(writeFile).join('')}`;
}

function temporaryOf(path: string): string {
  return `${path}.benchcluster`;
}

/** Made with its mode, as root's; only what the shell cannot do then is left to programs. */
function writeFile({ path, mode, owner, content }: ResolvedFile): string {
  const temporary = quote(temporaryOf(path));
  const bits = Number.parseInt(mode, 8);
  const isProgram = (bits & 0o111) !== 0;
  return `umask ${(0o777 & ~bits).toString(8).padStart(3, '0')}
${print(content, temporary)}
${owner === 'root:root' ? '' : `chown ${quote(owner)} ${temporary}\n`}${isProgram ? `chmod ${quote(mode)} ${temporary}\n` : ''}mv ${temporary} ${quote(path)}
`;
}

/** A command that prints these bytes to `target`. Text is printed by the shell itself. */
function print(content: Uint8Array, target: string): string {
  const bytes = Buffer.from(content);
  const text = bytes.toString('utf8');
  const isText = !text.includes('\0') && Buffer.from(text).equals(bytes);
  if (isText) return `printf %s ${quote(text)} >${target}`;
  return `base64 -d >${target} <<'bc1-end'
${bytes.toString('base64').replace(/.{76}/g, '$&\n')}
bc1-end`;
}
