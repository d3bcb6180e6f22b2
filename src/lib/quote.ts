// The one way by which a value becomes part of a shell script.
// A quoted value is one word in every POSIX shell, whatever it holds: the shell gives back the
// same characters. What no shell can carry (a NUL) is refused instead of being dropped.
// Quoting does not make a value harmless as an option: write `--` before words of others.

export class UnquotableError extends Error {
  readonly code = 'SHELL_UNQUOTABLE';
  readonly position: number;

  constructor(position: number) {
    super(`a shell word cannot hold a NUL character (found at position ${position})`);
    this.name = 'UnquotableError';
    this.position = position;
  }
}

// Words of these characters alone need no quotes; they stay readable in logs and error hints.
const PLAIN_WORD = /^[A-Za-z0-9_./:@%+,-]+$/;

export function quote(word: string): string {
  const nul = word.indexOf('\0');
  if (nul !== -1) throw new UnquotableError(nul);
  if (PLAIN_WORD.test(word)) return word;
  // Inside single quotes nothing is special but the single quote itself.
  return `'${word.replaceAll("'", "'\\''")}'`;
}

export function quoteAll(words: readonly string[]): string {
  return words.map(quote).join(' ');
}
