/** The spec as a completion script for fish, with descriptions. Pure. */
import type { CommandSpec, OptionSpec } from './spec.ts';

export function fishCompletion(specs: readonly CommandSpec[]): string {
  const lines = specs.flatMap((spec) => commandLines(spec));
  return `# fish completion of benchctl; generated from its command tree.
# Load it with: benchctl completion fish | source
function __benchctl_command
    # The plain words so far, which begin with the command's.
    set -l words
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
        else if contains -- $word ${valuedFlags(specs).join(' ')}
            set skip yes
        else if not string match -q -- '-*' $word
            set -a words $word
        end
    end
    echo (string join ' ' -- $words)
end
function __benchctl_at
    set -l now (__benchctl_command)
    test "$now" = "$argv"
end
function __benchctl_in
    set -l now (__benchctl_command)
    string match -q -- "$argv" "$now"; or string match -q -- "$argv *" "$now"
end
function __benchctl_names
    set -l places
    set -l words (commandline -opc)
    for i in (seq (count $words))
        if contains -- $words[$i] --dir --state -n --namespace; and test (count $words) -gt $i
            set -a places $words[$i] $words[(math $i + 1)]
        end
    end
    benchctl __complete $argv[1] $places 2>/dev/null
end
complete -c benchctl -f
${lines.join('\n')}
`;
}

function commandLines(spec: CommandSpec): string[] {
  const path = spec.path.join(' ');
  const at = quote(path === '' ? '__benchctl_at ""' : `__benchctl_at ${path}`);
  const inside = quote(path === '' ? 'true' : `__benchctl_in ${path}`);
  const words = spec.words.map(
    ({ word, description }) =>
      `complete -c benchctl -n ${at} -a ${quote(word)} -d ${quote(description)}`,
  );
  const names =
    spec.argument === undefined
      ? []
      : [`complete -c benchctl -n ${inside} -a ${quote(`(__benchctl_names ${spec.argument})`)}`];
  // The global options stand at the root and hold everywhere.
  const own = spec.options.filter((option) => path === '' || !isGlobal(option));
  return [...words, ...names, ...own.map((option) => optionLine(option, inside))];
}

const globalFlags = ['--dir', '--state', '--namespace', '--no-color', '--help'];

function isGlobal(option: OptionSpec): boolean {
  return option.flags.some((flag) => globalFlags.includes(flag));
}

function optionLine(option: OptionSpec, condition: string): string {
  const flags = option.flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const description = `-d ${quote(option.description)}`;
  return [
    'complete -c benchctl',
    `-n ${condition}`,
    ...flags,
    ...valueParts(option),
    description,
  ].join(' ');
}

function valueParts(option: OptionSpec): string[] {
  if (!option.takesValue) return [];
  if (option.choices.length > 0) return ['-x', `-a ${quote(option.choices.join(' '))}`];
  if (option.value === 'file') return ['-r', '-F'];
  if (option.value === 'directory') return ['-x', `-a ${quote('(__fish_complete_directories)')}`];
  if (option.value === undefined) return ['-x'];
  return ['-x', `-a ${quote(`(__benchctl_names ${option.value})`)}`];
}

function valuedFlags(specs: readonly CommandSpec[]): string[] {
  const options = specs.flatMap((spec) => spec.options).filter((option) => option.takesValue);
  return [...new Set(options.flatMap((option) => option.flags))];
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
