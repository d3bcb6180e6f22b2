/**
 * The command tree as plain data for the shells: what can be typed after what.
 * Names of objects are asked of `benchctl __complete` at the moment of the key press; everything
 * else stands in the script.
 */
import type { Argument, Command, Option } from 'commander';

/** What `benchctl __complete` can list. */
export const dynamicSources = ['clusters', 'nodes', 'images', 'refs'] as const;
export type DynamicSource = (typeof dynamicSources)[number];

export interface OptionSpec {
  /** Such as `-o` and `--output`. */
  flags: string[];
  description: string;
  takesValue: boolean;
  choices: string[];
  /** The value is a file or directory. */
  value?: 'file' | 'directory' | DynamicSource;
}

export interface CommandSpec {
  /** Words after `benchctl`; empty for the root. */
  path: string[];
  description: string;
  options: OptionSpec[];
  /** Words that may stand first: subcommands or choices. */
  words: { word: string; description: string }[];
  /** What the first plain argument names. */
  argument?: DynamicSource;
}

/** By the name of the argument or of the option's value. */
const sources: Record<string, DynamicSource> = {
  cluster: 'clusters',
  node: 'nodes',
  image: 'images',
  'kind/name': 'refs',
};

export function completionSpec(root: Command): CommandSpec[] {
  return visit(root, []);
}

function visit(command: Command, path: string[]): CommandSpec[] {
  const visible = command.createHelp().visibleCommands(command);
  const children = visible.filter((child) => child.name() !== 'help');
  const [argument] = command.registeredArguments;
  const source = argument === undefined ? undefined : sources[argument.name()];
  const spec: CommandSpec = {
    path,
    description: command.description(),
    options: command.createHelp().visibleOptions(command).map(optionSpec),
    words: [
      ...children.map((child) => ({ word: child.name(), description: child.description() })),
      ...choiceWords(argument),
    ],
    ...(source === undefined ? {} : { argument: source }),
  };
  return [spec, ...children.flatMap((child) => visit(child, [...path, child.name()]))];
}

function choiceWords(argument: Argument | undefined): CommandSpec['words'] {
  return (argument?.argChoices ?? []).map((word) => ({ word, description: '' }));
}

function optionSpec(option: Option): OptionSpec {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined);
  const value = /<([^>.]+)/.exec(option.flags)?.[1] ?? '';
  const named = value === 'file' || value === 'directory' ? value : sources[value];
  return {
    flags,
    description: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
    ...(named === undefined ? {} : { value: named }),
  };
}
