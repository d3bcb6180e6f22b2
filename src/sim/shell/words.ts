/** Reads words: quotes, parameters, command substitution, arithmetic, and the bodies of `<<`. */
import { NotModelledError, type Part, type Script, type Trim, type Word } from './syntax.ts';

/** Ends a word when it is not quoted. */
const meta = new Set(' \t\n;&|<>()');

export class WordReader {
  readonly text: string;
  at = 0;
  readonly #inner: (reader: WordReader) => Script;

  /** `inner` reads a script up to a closing parenthesis, for `$(…)`. */
  constructor(text: string, inner: (reader: WordReader) => Script) {
    this.text = text;
    this.#inner = inner;
  }

  fail(what: string): never {
    const line = this.text.slice(0, this.at).split('\n').length;
    throw new NotModelledError(`line ${line} of a script: ${what}\n${this.text}`);
  }

  /** Matches at this place and moves on, or leaves the place as it is. */
  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match !== null) this.at = pattern.lastIndex;
    return match;
  }

  /** Undefined where no word begins. */
  word(): Word | undefined {
    const parts: Part[] = [];
    const start = this.at;
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined || meta.has(character)) break;
      this.#part(parts, character);
    }
    return this.at === start ? undefined : parts;
  }

  /** The body of a here document, or of an arithmetic expression. */
  static expandable(text: string, inner: (reader: WordReader) => Script): Word {
    const reader = new WordReader(text, inner);
    const parts: Part[] = [];
    while (reader.at < text.length) reader.#quotedPart(parts, '"');
    return parts;
  }

  #part(parts: Part[], character: string): void {
    switch (character) {
      case "'": {
        const end = this.text.indexOf("'", this.at + 1);
        if (end < 0) this.fail('a quote is not closed');
        parts.push({ kind: 'text', text: this.text.slice(this.at + 1, end), quoted: true });
        this.at = end + 1;
        return;
      }
      case '"':
        this.#doubleQuoted(parts);
        return;
      case '\\': {
        const next = this.text[this.at + 1] ?? '';
        if (next !== '\n') parts.push({ kind: 'text', text: next, quoted: true });
        this.at += 2;
        return;
      }
      case '$':
        parts.push(this.#dollar(false));
        return;
      case '`':
        this.fail('backquotes');
        return;
      default: {
        const [text = ''] = this.take(/[^'"\\$` \t\n;&|<>()}]+|\}/y) ?? this.fail(character);
        parts.push({ kind: 'text', text, quoted: false });
      }
    }
  }

  #doubleQuoted(parts: Part[]): void {
    this.at += 1;
    parts.push({ kind: 'text', text: '', quoted: true });
    while (this.text[this.at] !== '"') {
      if (this.at >= this.text.length) this.fail('a quote is not closed');
      this.#quotedPart(parts, undefined);
    }
    this.at += 1;
  }

  /** `also` is a character that is not special here although it is between double quotes. */
  #quotedPart(parts: Part[], also: string | undefined): void {
    if (this.text[this.at] === '$') {
      parts.push(this.#dollar(true));
      return;
    }
    const escaped = this.take(/\\([$`"\\\n])/y)?.[1];
    if (escaped !== undefined && escaped !== also) {
      parts.push({ kind: 'text', text: escaped === '\n' ? '' : escaped, quoted: true });
      return;
    }
    if (escaped !== undefined) this.at -= 2;
    const plain = also === '"' ? /[^$\\`]+|\\/y : /[^$\\`"]+|\\/y;
    const [text = ''] = this.take(plain) ?? this.fail('backquotes');
    parts.push({ kind: 'text', text, quoted: true });
  }

  #dollar(quoted: boolean): Part {
    if (this.text.startsWith('$((', this.at)) return this.#arithmetic();
    if (this.text.startsWith('$(', this.at)) {
      this.at += 2;
      const script = this.#inner(this);
      if (this.text[this.at] !== ')') this.fail('$( is not closed');
      this.at += 1;
      return { kind: 'output', script, quoted };
    }
    const plain = this.take(/\$([A-Za-z_]\w*|[0-9?#@*])/y);
    if (plain !== null) return { kind: 'parameter', name: plain[1] ?? '', quoted };
    const braced = this.take(/\$\{([A-Za-z_]\w*|[0-9?#@*])(##|#|%%|%|:-)?/y);
    if (braced === null) {
      this.at += 1;
      return { kind: 'text', text: '$', quoted };
    }
    const [, name = '', operator] = braced;
    const word = operator === undefined ? [] : this.#untilBrace();
    if (this.text[this.at] !== '}') this.fail(`\${${name}`);
    this.at += 1;
    const trim = operator === undefined ? {} : { trim: { operator, word } as Trim };
    return { kind: 'parameter', name, quoted, ...trim };
  }

  #untilBrace(): Word {
    const parts: Part[] = [];
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined) this.fail('a brace is not closed');
      if (character === '}') return parts;
      const plain = this.take(/[^'"\\$`}]+/y);
      if (plain !== null) parts.push({ kind: 'text', text: plain[0], quoted: false });
      else this.#part(parts, character);
    }
  }

  #arithmetic(): Part {
    const start = this.at + 3;
    let depth = 2;
    let end = start;
    for (; depth > 0; end += 1) {
      const character = this.text[end] ?? this.fail('$(( is not closed');
      if (character === '(') depth += 1;
      if (character === ')') depth -= 1;
    }
    this.at = end;
    const expression = WordReader.expandable(this.text.slice(start, end - 2), this.#inner);
    return { kind: 'arithmetic', expression, quoted: true };
  }
}
