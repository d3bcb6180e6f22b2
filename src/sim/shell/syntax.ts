/** The tree of a shell script, as far as our own scripts need the language. */

export interface Script {
  items: ListItem[];
}

/** A step runs after `;` always, after `&&` and `||` by the status of what ran before it. */
export interface ListItem {
  after: ';' | '&&' | '||';
  negated: boolean;
  /** More than one is a pipeline. */
  commands: Command[];
  /** Ended by `&`: it runs beside what comes after it. */
  background: boolean;
  /** Followed by `&&` or `||`, so that its failure does not end a script under `set -e`. */
  tested: boolean;
}

export interface Redirect {
  kind: '<' | '>' | '>>' | '>&' | 'here';
  /** The stream that is redirected. */
  stream: 0 | 1 | 2;
  target: Word;
}

export type Command = { redirects: Redirect[] } & (
  | { kind: 'simple'; assignments: [name: string, value: Word][]; words: Word[] }
  | { kind: 'group' | 'subshell'; body: Script }
  | { kind: 'if'; branches: { condition: Script; body: Script }[]; otherwise?: Script }
  | { kind: 'loop'; until: boolean; condition: Script; body: Script }
  | { kind: 'for'; name: string; words: Word[]; body: Script }
  | { kind: 'case'; word: Word; branches: { patterns: Word[]; body: Script }[] }
  | { kind: 'function'; name: string; body: Command }
);

export type Word = Part[];

export type Part =
  | { kind: 'text'; text: string; quoted: boolean }
  | { kind: 'parameter'; name: string; quoted: boolean; trim?: Trim }
  | { kind: 'output'; script: Script; quoted: boolean }
  | { kind: 'arithmetic'; expression: Word; quoted: true };

/** `${name#pattern}` and its kin, and `${name:-word}`. */
export interface Trim {
  operator: '#' | '##' | '%' | '%%' | ':-';
  word: Word;
}

/** The script or command is outside of what this model knows; a model that guesses proves nothing. */
export class NotModelledError extends Error {
  readonly code = 'NOT_MODELLED';

  constructor(message: string) {
    super(message);
    this.name = 'NotModelledError';
  }
}
