/** Nodes by name, with or without `node/` before it. */
import { CliError } from './cli-error.ts';
import { parseRef } from './kind.ts';

export function nodeName(word: string): string {
  if (!word.includes('/')) return word;
  const ref = parseRef(word);
  if (ref?.kind === 'node') return ref.name;
  throw new CliError('usage', `${word} is no node`, 'benchctl get nodes');
}
