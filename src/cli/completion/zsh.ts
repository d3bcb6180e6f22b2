/** The spec as a completion script for zsh, with descriptions. Pure. */
import type { CommandSpec, OptionSpec } from './spec.ts';

export function zshCompletion(specs: readonly CommandSpec[]): string {
  return `#compdef benchctl
# zsh completion of benchctl; generated from its command tree.
# Load it with: source <(benchctl completion zsh)
_benchctl_names() {
  local -a names places
  local i
  for ((i = 2; i < $#_benchctl_words; i++)); do
    case $_benchctl_words[i] in
      (--dir|--state|-n|--namespace) places+=("$_benchctl_words[i]" "$_benchctl_words[i+1]") ;;
    esac
  done
  names=("\${(@f)$(benchctl __complete "$1" $places 2>/dev/null)}")
  compadd -- $names
}
${specs.map((spec) => commandFunction(spec, specs)).join('\n')}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then
  _benchctl "$@"
else
  compdef _benchctl benchctl
fi
`;
}

function commandFunction(spec: CommandSpec, specs: readonly CommandSpec[]): string {
  const options = spec.options.flatMap(optionArguments);
  const children = specs.filter(
    (other) =>
      other.path.length === spec.path.length + 1 &&
      spec.path.every((word, index) => other.path[index] === word),
  );
  if (children.length === 0) return leaf(spec, options);
  const described = spec.words.map(
    ({ word, description }) => `    ${quote(`${escapeColon(word)}:${description}`)}`,
  );
  const cases = children.map(
    (child) => `        (${child.path.at(-1) ?? ''}) ${functionName(child)} ;;`,
  );
  // Subcommands see only their own words; where to look for names may be said before them.
  const keepWords = spec.path.length === 0 ? '  local -a _benchctl_words=($words)\n' : '';
  return `${functionName(spec)}() {
${keepWords}  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
${described.join('\n')}
  )
  _arguments -C ${[...options, quote('1: :->command'), quote('*:: :->rest')].join(' \\\n    ')}
  case $state in
    (command) _describe -t commands command commands ;;
    (rest)
      case $words[1] in
${cases.join('\n')}
      esac ;;
  esac
}`;
}

function leaf(spec: CommandSpec, options: readonly string[]): string {
  const words = spec.words.map(({ word }) => word).join(' ');
  const rest =
    spec.argument !== undefined
      ? [quote(`*: :{_benchctl_names ${spec.argument}}`)]
      : words === ''
        ? []
        : [quote(`1: :(${words})`)];
  const list = [...options, ...rest];
  return `${functionName(spec)}() {
  _arguments ${list.join(' \\\n    ')}
}`;
}

function functionName(spec: CommandSpec): string {
  return ['_benchctl', ...spec.path].join('_');
}

function optionArguments(option: OptionSpec): string[] {
  const description = option.description.replace(/[[\]:]/g, ' ').trim();
  return option.flags.map((flag) => {
    const value = option.takesValue ? `: :${valueAction(option)}` : '';
    return quote(`${flag}[${description}]${value}`);
  });
}

function valueAction(option: OptionSpec): string {
  if (option.choices.length > 0) return `(${option.choices.join(' ')})`;
  if (option.value === 'file') return '_files';
  if (option.value === 'directory') return '_files -/';
  return option.value === undefined ? ' ' : `{_benchctl_names ${option.value}}`;
}

function escapeColon(word: string): string {
  return word.replaceAll(':', '\\:');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
