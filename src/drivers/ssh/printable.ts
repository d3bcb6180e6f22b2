// The end of what a remote machine said, fit to be shown in an error message: control characters
// become visible text, so that nothing it prints repaints a terminal or forges a log line.

import { printable } from '../../lib/printable.ts';

// The end of a text is where a failing command says why.
export function printableTail(text: string, maxCharacters: number): string {
  const clean = printable(text).trim();
  return clean.length <= maxCharacters ? clean : `…${clean.slice(-maxCharacters)}`;
}
