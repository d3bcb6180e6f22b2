/**
 * Options that every command takes, and what becomes of them with environment and defaults.
 * They may stand before or after the command's name, so each command carries them; the nearest
 * one wins.
 */
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { millisecondsOf } from '../crd/quantity.ts';
import type { CliContext, Places } from './context.ts';

export interface GlobalOptions extends Places {
  namespace: string;
  color: boolean;
}

interface RawGlobals {
  dir?: string;
  state?: string;
  namespace?: string;
  color?: boolean;
}

export function addGlobalOptions(command: Command): void {
  const options = [
    new Option('--dir <directory>', 'watched directory (default: $BENCHCLUSTER_DIR or ./clusters)'),
    new Option('--state <directory>', 'state directory (default: $XDG_STATE_HOME/benchcluster)'),
    new Option('-n, --namespace <name>', 'namespace (default: default)'),
    new Option('--no-color', 'plain text; so do NO_COLOR and a pipe'),
  ];
  for (const option of options) command.addOption(option.helpGroup('Global options:'));
}

/** Every option without a value of its own falls back to the parent command's. */
export function globalOptions(
  command: Command,
  context: Pick<CliContext, 'env' | 'home'>,
): GlobalOptions {
  const chain: RawGlobals[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) chain.push(at.opts());
  const first = (key: 'dir' | 'state' | 'namespace') =>
    chain.map((raw) => raw[key]).find((value) => value !== undefined);
  const { env, home } = context;
  const stateHome = env.XDG_STATE_HOME || join(home, '.local', 'state');
  return {
    dir: resolve(first('dir') ?? (env.BENCHCLUSTER_DIR || 'clusters')),
    state: resolve(first('state') ?? join(stateHome, 'benchcluster')),
    namespace: first('namespace') ?? 'default',
    color: chain.every((raw) => raw.color !== false),
  };
}

/** For commander: a duration such as `90s` or `10m`, in milliseconds. */
export function durationOption(text: string): number {
  try {
    return millisecondsOf(text);
  } catch {
    throw new InvalidArgumentError('Say a duration such as 90s, 10m or 1h30m.');
  }
}

/** For commander: a count from 0. */
export function countOption(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Say a whole number from 0.');
  return Number(text);
}

/** For commander: a whole number between the two. */
export function wholeOption(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Say a whole number from ${least} to ${most}.`);
  };
}
