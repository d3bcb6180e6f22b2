/** The spec as a completion script for bash 4 and later; needs no package bash-completion. Pure. */
import type { CommandSpec, OptionSpec } from './spec.ts';

export function bashCompletion(specs: readonly CommandSpec[]): string {
  const valued = specs.flatMap(({ options }) => options.filter((option) => option.takesValue));
  const valuedFlags = [...new Set(valued.flatMap((option) => option.flags))];
  const commands = specs
    .filter((spec) => spec.path.length > 0)
    .map((spec) => `"${spec.path.join(' ')}"`);
  return `# bash completion of benchctl; generated from its command tree.
# Load it with: source <(benchctl completion bash)
${namesFunction}
_benchctl() {
${currentWord}
  # The words so far that name a command, past options and their values.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      --dir|--state|-n|--namespace)
        _benchctl_places+=("$word" "\${COMP_WORDS[i+1]}"); ((i++)); continue ;;
      ${valuedFlags.join('|')}) ((i++)); continue ;;
      -*) continue ;;
    esac
    next="\${command:+$command }$word"
    case "$next" in
      ${commands.join('|')}) command=$next ;;
    esac
  done
  case "$command" in
${specs.map(commandCase).join('\n')}
  esac
}
complete -F _benchctl benchctl
`;
}

const namesFunction = `_benchctl_names() {
  local names
  names=$(benchctl __complete "$1" "\${_benchctl_places[@]}" 2>/dev/null)
  COMPREPLY=($(compgen -W "$names" -- "$cur"))
}`;

const currentWord = `  local cur prev command='' word next='' i
  local -a _benchctl_places=()
  COMPREPLY=()
  cur=\${COMP_WORDS[COMP_CWORD]}
  prev=\${COMP_WORDS[COMP_CWORD-1]}
  # bash breaks words at '='.
  if [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $cur == = ]]; then cur=''; fi`;

function commandCase(spec: CommandSpec): string {
  const flags = spec.options.flatMap((option) => option.flags).join(' ');
  const words = spec.words.map(({ word }) => word).join(' ');
  const otherwise = spec.argument === undefined ? wordReply(words) : namesReply(spec.argument);
  // The same flag may take a value in one command and none in another.
  const values = spec.options
    .filter((option) => option.takesValue)
    .map((option) => `        ${option.flags.join('|')}) ${valueReply(option)}; return ;;`);
  return `    "${spec.path.join(' ')}")
      case $prev in
${values.join('\n')}
      esac
      if [[ $cur == -* ]]; then ${wordReply(flags)}
      else ${otherwise}; fi ;;`;
}

function valueReply(option: OptionSpec): string {
  if (option.choices.length > 0) return wordReply(option.choices.join(' '));
  if (option.value === 'file') return 'COMPREPLY=($(compgen -f -- "$cur"))';
  if (option.value === 'directory') return 'COMPREPLY=($(compgen -d -- "$cur"))';
  return option.value === undefined ? ':' : namesReply(option.value);
}

function wordReply(words: string): string {
  return `COMPREPLY=($(compgen -W "${words}" -- "$cur"))`;
}

function namesReply(source: string): string {
  return `_benchctl_names ${source}`;
}
