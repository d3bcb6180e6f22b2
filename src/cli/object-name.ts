/** Names as words of a command, with or without their kind before them, such as `node/`. */
import { CliError } from './cli-error.ts';
import { type Kind, parseRef } from './kind.ts';

/** Throws `usage` for an object of another kind. */
export function nodeName(word: string): string {
  return nameOf('node', word);
}

/** Throws `usage` for an object of another kind. */
export function clusterName(word: string): string {
  return nameOf('cluster', word);
}

function nameOf(kind: Kind, word: string): string {
  if (!word.includes('/')) return word;
  const ref = parseRef(word);
  if (ref?.kind === kind) return ref.name;
  throw new CliError('usage', `${word} is no ${kind}`, `benchctl get ${kind}s`);
}
