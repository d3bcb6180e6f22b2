/**
 * Another input from one or two that are known: bytes flipped, inserted, deleted, repeated and
 * spliced, words of the language, numbers at the edges. All by the given choice, so that the same
 * choices make the same input.
 */
import { between, type Choice, pick } from '../../src/sim/choice.ts';

export interface Mutation {
  choice: Choice;
  /** One of them is changed, another may lend a part. */
  corpus: readonly Uint8Array[];
  tokens: readonly Uint8Array[];
  maxBytes: number;
}

const edgeNumbers = [
  ...['0', '-1', '1', '00', '08', '-0', '1e400', '0x10', '1.5', '255', '256', '2147483647'],
  ...['2147483648', '4294967295', '4294967296', '9007199254740991', '9007199254740993'],
  ...['18446744073709551616', '99999999999999999999', 'NaN', 'Infinity', ''],
].map((text) => Buffer.from(text));

const edgeWords = [0, 1, 3, 4, 27, 28, 29, 0x7fffffff, 0x80000000, 0xffffffff, 0x2000004, 0x400001];

type Change = (input: Buffer, mutation: Mutation) => Buffer;

function replaced(input: Buffer, start: number, end: number, part: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, start), part, input.subarray(end)]);
}

function place({ choice }: Mutation, input: Buffer): number {
  return choice.choose(input.length + 1, 'place');
}

/** Mostly short. */
function span(mutation: Mutation, input: Buffer): [start: number, end: number] {
  const { choice } = mutation;
  const longest = pick(choice, [4, 32, 512, input.length], 'span');
  const start = place(mutation, input);
  return [start, Math.min(input.length, start + between(choice, 1, longest, 'length'))];
}

const flipBit: Change = (input, { choice }) => {
  if (input.length === 0) return input;
  const at = choice.choose(input.length, 'byte');
  const changed = Buffer.from(input);
  changed[at] = (changed[at] ?? 0) ^ (1 << choice.choose(8, 'bit'));
  return changed;
};

const setByte: Change = (input, { choice }) => {
  if (input.length === 0) return input;
  const changed = Buffer.from(input);
  changed[choice.choose(input.length, 'byte')] = choice.choose(256, 'value');
  return changed;
};

const insertBytes: Change = (input, mutation) => {
  const { choice } = mutation;
  const at = place(mutation, input);
  const bytes = Buffer.alloc(between(choice, 1, 8, 'length'), choice.choose(256, 'value'));
  return replaced(input, at, at, bytes);
};

const deleteSpan: Change = (input, mutation) => {
  const [start, end] = span(mutation, input);
  return replaced(input, start, end, Buffer.alloc(0));
};

const truncate: Change = (input, mutation) => input.subarray(0, place(mutation, input));

const repeatSpan: Change = (input, mutation) => {
  const [start, end] = span(mutation, input);
  const part = input.subarray(start, end);
  const times = between(mutation.choice, 1, 12, 'times');
  return replaced(input, end, end, Buffer.concat(Array.from({ length: times }, () => part)));
};

const insertToken: Change = (input, mutation) => {
  const at = place(mutation, input);
  return replaced(input, at, at, pick(mutation.choice, mutation.tokens, 'token'));
};

const overwriteToken: Change = (input, mutation) => {
  const token = pick(mutation.choice, mutation.tokens, 'token');
  const at = place(mutation, input);
  return replaced(input, at, Math.min(input.length, at + token.length), token);
};

const splice: Change = (input, mutation) => {
  const other = Buffer.from(pick(mutation.choice, mutation.corpus, 'other'));
  const [start, end] = span(mutation, input);
  const [from, to] = span(mutation, other);
  return replaced(input, start, end, other.subarray(from, to));
};

const crossOver: Change = (input, mutation) => {
  const other = Buffer.from(pick(mutation.choice, mutation.corpus, 'other'));
  const head = input.subarray(0, place(mutation, input));
  return Buffer.concat([head, other.subarray(place(mutation, other))]);
};

/** The first number at or after some place, as text. */
const edgeNumber: Change = (input, mutation) => {
  const from = place(mutation, input);
  const isDigit = (at: number) => (input[at] ?? 0) >= 0x30 && (input[at] ?? 0) <= 0x39;
  let start = from;
  while (start < input.length && !isDigit(start)) start += 1;
  if (start === input.length) return input;
  let end = start;
  while (end < input.length && isDigit(end)) end += 1;
  return replaced(input, start, end, pick(mutation.choice, edgeNumbers, 'number'));
};

/** A big-endian word of binary formats. */
const edgeWord: Change = (input, { choice }) => {
  if (input.length < 4) return input;
  const changed = Buffer.from(input);
  const at = 4 * choice.choose(Math.floor(input.length / 4), 'word');
  changed.writeUInt32BE(pick(choice, edgeWords, 'edge'), at);
  return changed;
};

const changes: readonly Change[] = [
  ...[flipBit, setByte, setByte, insertBytes, deleteSpan, truncate, repeatSpan],
  ...[insertToken, insertToken, overwriteToken, splice, splice, crossOver, edgeNumber, edgeWord],
];

export function mutate(parent: Uint8Array, mutation: Mutation): Uint8Array {
  const { choice, maxBytes } = mutation;
  let input = Buffer.from(parent);
  const count = pick(choice, [1, 1, 1, 2, 2, 4, 8], 'changes');
  for (let done = 0; done < count; done += 1) {
    input = Buffer.from(pick(choice, changes, 'change')(input, mutation).subarray(0, maxBytes));
  }
  return input;
}
