/** What the shell does itself, as far as our scripts ask for it. */
import type { Input, Output, ShellMachine, Streams } from './machine.ts';
import { Leave, type State } from './state.ts';
import { NotModelledError } from './syntax.ts';

interface Surroundings {
  state: State;
  machine: ShellMachine;
  streams: Streams;
}

/** Undefined when it is none. */
export function builtin(
  name: string,
  args: string[],
  { state, machine, streams }: Surroundings,
): number | undefined {
  const [first = ''] = args;
  switch (name) {
    case ':':
    case 'true':
    case 'umask':
    case 'cd':
      return 0;
    case 'false':
      return 1;
    case 'echo':
      streams.output.text += `${args.join(' ')}\n`;
      return 0;
    case 'printf':
      printf(first, args.slice(1), streams.output);
      return 0;
    case '[':
      if (args.pop() !== ']') throw new NotModelledError('[ without ]');
      return test(args, machine) ? 0 : 1;
    case 'exit':
      throw new Leave('script', first === '' ? state.status : Number(first));
    case 'return':
      throw new Leave('function', first === '' ? state.status : Number(first));
    case 'set':
      if (first === '--') {
        state.args = [state.args[0] ?? 'sh', ...args.slice(1)];
        return 0;
      }
      if (!/^-[eu]+$/.test(first)) throw new NotModelledError(`set ${args.join(' ')}`);
      state.stopsOnFailure ||= first.includes('e');
      state.stopsOnUnset ||= first.includes('u');
      return 0;
    case 'export':
      for (const word of args) {
        const [, key = '', value] = /^(\w+)(?:=([\s\S]*))?$/.exec(word) ?? [];
        if (value !== undefined) state.variables.set(key, value);
      }
      return 0;
    case 'unset':
      for (const name of args) state.variables.delete(name);
      return 0;
    case 'read': {
      if (first !== '-r') throw new NotModelledError('read without -r');
      const isWhole = readLine(streams.input, args.slice(1), (key, value) =>
        state.variables.set(key, value),
      );
      return isWhole ? 0 : 1;
    }
    case 'command':
      return whereIs(args, machine, streams);
    default:
      return undefined;
  }
}

/** `command -v`. */
function whereIs(args: string[], machine: ShellMachine, streams: Streams): number {
  const [option, name = ''] = args;
  if (option !== '-v') throw new NotModelledError(`command ${args.join(' ')}`);
  if (machine.program(name) === undefined) return 1;
  streams.output.text += `/usr/sbin/${name}\n`;
  return 0;
}

function test(words: string[], machine: ShellMachine): boolean {
  const [first = '', second = '', third = ''] = words;
  if (first === '!') return !test(words.slice(1), machine);
  if (words.length === 1) return first !== '';
  if (words.length === 2) return testOne(first, second, machine);
  if (words.length !== 3) throw new NotModelledError(`[ ${words.join(' ')} ]`);
  switch (second) {
    case '=':
      return first === third;
    case '!=':
      return first !== third;
    case '-lt':
      return numberOf(first) < numberOf(third);
    case '-le':
      return numberOf(first) <= numberOf(third);
    case '-gt':
      return numberOf(first) > numberOf(third);
    case '-ge':
      return numberOf(first) >= numberOf(third);
    case '-eq':
      return numberOf(first) === numberOf(third);
    case '-ne':
      return numberOf(first) !== numberOf(third);
    default:
      throw new NotModelledError(`[ ${words.join(' ')} ]`);
  }
}

function testOne(operator: string, word: string, machine: ShellMachine): boolean {
  if (operator === '-n') return word !== '';
  if (operator === '-z') return word === '';
  const content = machine.read(word);
  if (operator === '-e' || operator === '-r' || operator === '-f') return content !== undefined;
  if (operator === '-s') return content !== undefined && content !== '';
  throw new NotModelledError(`[ ${operator} ${word} ]`);
}

function numberOf(text: string): number {
  if (!/^\s*-?\d+\s*$/.test(text)) throw new NotModelledError(`not a number: ${text}`);
  return Number(text);
}

/** The few conversions that are used; the format is used again while there are arguments. */
function printf(format: string, args: string[], output: Output): void {
  const left = [...args];
  const text = withoutEscapes(format);
  do {
    const before = left.length;
    output.text += text.replaceAll(/%(.)/g, (_, kind: string) => {
      if (kind === '%') return '%';
      if (kind === 's') return left.shift() ?? '';
      if (kind === 'd') return String(numberOf(left.shift() ?? '0'));
      throw new NotModelledError(`printf ${format}`);
    });
    if (left.length === before) return;
  } while (left.length > 0);
}

function withoutEscapes(format: string): string {
  return format.replaceAll(/\\(.)/g, (_, character: string) => {
    const known: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\' };
    const meant = known[character];
    if (meant === undefined) throw new NotModelledError(`printf ${format}`);
    return meant;
  });
}

/** One line into the variables, the last of which takes what is left; false at the end. */
function readLine(
  input: Input,
  names: string[],
  set: (name: string, value: string) => void,
): boolean {
  if (input.at >= input.text.length) {
    for (const name of names) set(name, '');
    return false;
  }
  const end = input.text.indexOf('\n', input.at);
  const line = input.text.slice(input.at, end < 0 ? undefined : end).trim();
  input.at = end < 0 ? input.text.length : end + 1;
  const words = line === '' ? [] : line.split(/[ \t]+/);
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1;
    set(name, (isLast ? words.slice(index).join(' ') : words[index]) ?? '');
  }
  return end >= 0;
}

/** Whole numbers with `+ - * / %` and parentheses. */
export function calculate(text: string, valueIn: (name: string) => string): number {
  const tokens = text.match(/\d+|[A-Za-z_]\w*|[-+*/%()]|\S/g) ?? [];
  let at = 0;
  const unknown = (): never => {
    throw new NotModelledError(`$((${text}))`);
  };
  const atom = (): number => {
    const token = tokens[at] ?? unknown();
    at += 1;
    if (/^\d/.test(token)) return Number(token);
    if (/^\w/.test(token)) return Number(valueIn(token)) || 0;
    if (token === '-') return -atom();
    if (token !== '(') return unknown();
    const value = sum();
    if (tokens[at] !== ')') unknown();
    at += 1;
    return value;
  };
  const product = (): number => {
    let value = atom();
    for (;;) {
      const operator = tokens[at] ?? '';
      if (!['*', '/', '%'].includes(operator)) return value;
      at += 1;
      const right = atom();
      if (operator === '*') value *= right;
      else value = operator === '/' ? Math.trunc(value / right) : value % right;
    }
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-') {
      const isMinus = tokens[at] === '-';
      at += 1;
      value += (isMinus ? -1 : 1) * product();
    }
    return value;
  };
  const value = sum();
  return at === tokens.length ? value : unknown();
}
