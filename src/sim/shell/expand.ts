/** What words become: parameters, output of commands and arithmetic put in, then split at blanks. */
import { calculate } from './builtins.ts';
import type { Waiting } from './machine.ts';
import { type PatternText, trimmed } from './pattern.ts';
import type { Script, Word } from './syntax.ts';

/** The shell that expands. */
export interface Scope {
  value(name: string): string | undefined;
  /** What stands for a parameter that is not set; may end the script. */
  unset(name: string): string;
  output(script: Script): Waiting<string>;
}

export class Expansion {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  *text(word: Word): Waiting<string> {
    let text = '';
    for (const piece of yield* this.pieces(word)) text += piece.text;
    return text;
  }

  *pieces(word: Word): Waiting<PatternText[]> {
    const pieces: PatternText[] = [];
    for (const part of word) {
      const { quoted } = part;
      switch (part.kind) {
        case 'text':
          pieces.push(part);
          break;
        case 'parameter':
          pieces.push({ text: yield* this.#parameter(part), quoted });
          break;
        case 'output':
          pieces.push({ text: yield* this.#scope.output(part.script), quoted });
          break;
        case 'arithmetic': {
          const expression = yield* this.text(part.expression);
          const value = calculate(expression, (name) => this.#scope.value(name) ?? '');
          pieces.push({ text: String(value), quoted });
        }
      }
    }
    return pieces;
  }

  /** Unquoted expansions are split at blanks; names of files are never expanded. */
  *words(words: Word[]): Waiting<string[]> {
    const fields: string[] = [];
    for (const word of words) {
      const [only] = word;
      if (only?.kind === 'text' && word.length === 1) {
        fields.push(only.text);
        continue;
      }
      let field: string | undefined;
      const pieces = yield* this.pieces(word);
      for (const [index, { text, quoted }] of pieces.entries()) {
        if (quoted || word[index]?.kind === 'text') {
          field = (field ?? '') + text;
          continue;
        }
        const [head = '', ...tail] = text.split(/[ \t\n]+/);
        if (head !== '') field = (field ?? '') + head;
        for (const next of tail) {
          if (field !== undefined) fields.push(field);
          field = next === '' ? undefined : next;
        }
      }
      if (field !== undefined) fields.push(field);
    }
    return fields;
  }

  *#parameter(part: Word[number] & { kind: 'parameter' }): Waiting<string> {
    const { name, trim } = part;
    const value = this.#scope.value(name);
    if (trim?.operator === ':-') return value || (yield* this.text(trim.word));
    if (value === undefined) {
      return this.#scope.unset(name);
    }
    if (trim === undefined) return value;
    return trimmed(value, trim.operator, yield* this.pieces(trim.word));
  }
}
