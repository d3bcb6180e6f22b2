/** Reads a script into its tree. What is not understood throws `NotModelledError`. */
import type { Command, ListItem, Redirect, Script, Word } from './syntax.ts';
import { WordReader } from './words.ts';

interface HereDocument {
  redirect: Redirect;
  end: string;
  expands: boolean;
}

type Pending = { documents: HereDocument[] };

export function parseScript(text: string): Script {
  const parser = new Parser(new WordReader(text, parseInner), { documents: [] });
  const script = parser.list();
  if (parser.reader.at < text.length) parser.reader.fail('this place was not understood');
  return script;
}

function parseInner(reader: WordReader): Script {
  return new Parser(reader, { documents: [] }).list();
}

class Parser {
  readonly reader: WordReader;
  readonly #pending: Pending;

  constructor(reader: WordReader, pending: Pending) {
    this.reader = reader;
    this.#pending = pending;
  }

  /** Up to a reserved word that ends a list, a closing parenthesis, `;;`, or the end. */
  list(): Script {
    const items: ListItem[] = [];
    let after: ListItem['after'] = ';';
    for (;;) {
      this.#blank(true);
      if (this.#ends()) return { items };
      const item = this.#pipeline(after);
      items.push(item);
      this.#blank(false);
      const operator = this.reader.take(/&&|\|\|/y)?.[0];
      after = operator === '&&' || operator === '||' ? operator : ';';
      item.tested = after !== ';';
      if (after !== ';') continue;
      item.background = this.reader.take(/&/y) !== null;
      if (item.background) continue;
      if (!this.reader.take(/;(?!;)/y) && this.reader.text[this.reader.at] !== '\n') {
        if (!this.#ends()) this.reader.fail('a command does not end here');
      }
    }
  }

  #pipeline(after: ListItem['after']): ListItem {
    const negated = this.reader.take(/!(?=\s)/y) !== null;
    const commands: Command[] = [];
    do {
      this.#blank(true);
      commands.push(this.#command());
      this.#blank(false);
    } while (this.reader.take(/\|(?!\|)/y));
    return { after, negated, commands, background: false, tested: false };
  }

  #command(): Command {
    const name = this.reader.take(/([A-Za-z_]\w*)\(\)/y)?.[1];
    if (name !== undefined) {
      this.#blank(true);
      return { kind: 'function', name, body: this.#command(), redirects: [] };
    }
    const command = this.#compound();
    if (command === undefined) return this.#simple();
    for (;;) {
      this.#blank(false);
      const redirect = this.#redirect();
      if (redirect === undefined) return command;
      command.redirects.push(redirect);
    }
  }

  #compound(): Command | undefined {
    if (this.reader.take(/\(/y)) {
      const body = this.list();
      if (!this.reader.take(/\)/y)) this.reader.fail('a subshell is not closed');
      return { kind: 'subshell', body, redirects: [] };
    }
    switch (this.#keyword(/\{|if|while|until|for|case/y)) {
      case '{':
        return { kind: 'group', body: this.#upTo('}'), redirects: [] };
      case 'if':
        return this.#if();
      case 'while':
        return this.#loop(false);
      case 'until':
        return this.#loop(true);
      case 'for':
        return this.#for();
      case 'case':
        return this.#case();
      default:
        return undefined;
    }
  }

  #if(): Command {
    const branches = [{ condition: this.#upTo('then'), body: this.list() }];
    while (this.#keyword(/elif/y)) {
      branches.push({ condition: this.#upTo('then'), body: this.list() });
    }
    const otherwise = this.#keyword(/else/y) ? { otherwise: this.list() } : {};
    this.#expect('fi');
    return { kind: 'if', branches, ...otherwise, redirects: [] };
  }

  #loop(until: boolean): Command {
    const condition = this.#upTo('do');
    return { kind: 'loop', until, condition, body: this.#upTo('done'), redirects: [] };
  }

  #for(): Command {
    const name = this.reader.take(/[ \t]*([A-Za-z_]\w*)[ \t]+in(?=[ \t])/y)?.[1];
    if (name === undefined) this.reader.fail('for without a list');
    const words: Word[] = [];
    for (;;) {
      this.#blank(false);
      const word = this.reader.word();
      if (word === undefined) break;
      words.push(word);
    }
    this.reader.take(/;/y);
    this.#expect('do');
    return { kind: 'for', name, words, body: this.#upTo('done'), redirects: [] };
  }

  #case(): Command {
    this.#blank(false);
    const word = this.reader.word() ?? this.reader.fail('case of nothing');
    this.#expect('in');
    const branches: { patterns: Word[]; body: Script }[] = [];
    for (;;) {
      this.#blank(true);
      if (this.#keyword(/esac/y)) return { kind: 'case', word, branches, redirects: [] };
      const patterns: Word[] = [];
      this.reader.take(/\(/y);
      do {
        this.#blank(false);
        patterns.push(this.reader.word() ?? this.reader.fail('a pattern is missing'));
        this.#blank(false);
      } while (this.reader.take(/\|/y));
      if (!this.reader.take(/\)/y)) this.reader.fail('a pattern does not end');
      branches.push({ patterns, body: this.list() });
      this.reader.take(/;;/y);
    }
  }

  #simple(): Command {
    const command: Command = { kind: 'simple', assignments: [], words: [], redirects: [] };
    for (;;) {
      this.#blank(false);
      const redirect = this.#redirect();
      if (redirect !== undefined) {
        command.redirects.push(redirect);
        continue;
      }
      const name = command.words.length === 0 && this.reader.take(/([A-Za-z_]\w*)=/y)?.[1];
      if (name) {
        command.assignments.push([name, this.reader.word() ?? []]);
        continue;
      }
      const word = this.reader.word();
      if (word === undefined) break;
      command.words.push(word);
    }
    const { assignments, words, redirects } = command;
    if (assignments.length + words.length + redirects.length === 0) {
      this.reader.fail('a command is expected');
    }
    return command;
  }

  #redirect(): Redirect | undefined {
    const [, stream, operator] = this.reader.take(/([012]?)(<<|>>|>&|<|>)/y) ?? [];
    if (operator === undefined) return undefined;
    this.#blank(false);
    const target = this.reader.word() ?? this.reader.fail('a redirection to nothing');
    const isInput = operator.startsWith('<');
    const of = stream === '' ? (isInput ? 0 : 1) : Number(stream);
    if (operator !== '<<') {
      return { kind: operator, stream: of, target } as Redirect;
    }
    const redirect: Redirect = { kind: 'here', stream: 0, target: [] };
    const end = target.map((part) => (part.kind === 'text' ? part.text : '')).join('');
    const expands = !target.some(({ quoted }) => quoted);
    this.#pending.documents.push({ redirect, end, expands });
    return redirect;
  }

  #readDocuments(): void {
    for (const { redirect, end, expands } of this.#pending.documents.splice(0)) {
      const { text, at } = this.reader;
      const stop = text.startsWith(`${end}\n`, at) ? at : text.indexOf(`\n${end}\n`, at) + 1;
      if (stop === 0) this.reader.fail(`the text up to ${end} does not end`);
      const body = text.slice(at, stop);
      this.reader.at = stop + end.length + 1;
      redirect.target = expands
        ? WordReader.expandable(body, parseInner)
        : [{ kind: 'text', text: body, quoted: true }];
    }
  }

  #blank(lines: boolean): void {
    for (;;) {
      this.reader.take(/(?:[ \t]|\\\n)+/y);
      this.reader.take(/#[^\n]*/y);
      if (!lines || !this.reader.take(/\n/y)) return;
      this.#readDocuments();
    }
  }

  #ends(): boolean {
    const { text, at } = this.reader;
    if (at >= text.length || text[at] === ')' || text.startsWith(';;', at)) return true;
    const reserved = /(?:then|elif|else|fi|do|done|esac|\})(?=[\s;&|()<>]|$)/y;
    reserved.lastIndex = at;
    return reserved.test(text);
  }

  #keyword(pattern: RegExp): string | undefined {
    const { at, text } = this.reader;
    const word = this.reader.take(pattern)?.[0];
    if (word !== undefined && /^(?:[\s;&|()<>]|$)/.test(text[this.reader.at] ?? '')) return word;
    this.reader.at = at;
    return undefined;
  }

  #expect(word: string): void {
    this.#blank(true);
    if (this.#keyword(new RegExp(word, 'y')) === undefined) this.reader.fail(`${word} is missing`);
  }

  #upTo(word: string): Script {
    const script = this.list();
    this.#expect(word);
    return script;
  }
}
