import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { quote, quoteAll, UnquotableError } from '../../../src/lib/quote.ts';

// Strings made of what shells treat in a special way, besides any other text.
const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...'\'"\\$`!*?[]{}()<>|&;#~=%^-+@,.:/ \t\n\r\v\u0007\u001b\u007f'.split(''),
        '$(id)',
        '$' + '{HOME}',
        "'\\''",
        '--help',
        '-n',
        '\\n',
        '!!',
        '\u2028',
        '日本',
        '💥',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join('').replaceAll('\0', '').toWellFormed());

const BATCH = 400;

// One shell gets many words at once and returns each, ended by a NUL, with a tool that is no shell.
function roundTrip(shell: string, words: readonly string[]): string[] {
  const script = `printf '%s\\0' ${quoteAll(words)}\n`;
  const result = spawnSync(shell, ['-s'], { input: script, maxBuffer: 64 * 1024 * 1024 });
  assert.equal(result.status, 0, result.stderr.toString());
  const parts = result.stdout.toString().split('\0');
  assert.equal(parts.pop(), '');
  return parts;
}

for (const shell of ['dash', 'bash']) {
  test(`a quoted word comes back unchanged from ${shell}`, () => {
    fc.assert(
      fc.property(fc.array(nasty, { minLength: BATCH, maxLength: BATCH }), (words) => {
        assert.deepEqual(roundTrip(shell, words), words);
      }),
      { numRuns: 60 },
    );
  });
}

test('a quoted word is one word of the arguments of a real program', () => {
  fc.assert(
    fc.property(nasty, (word) => {
      const script = `exec env -- ${quoteAll(['printf', '[%s]', word])}`;
      const result = spawnSync('sh', ['-c', script]);
      assert.equal(result.stdout.toString(), `[${word}]`);
    }),
    { numRuns: 50 },
  );
});

test('the empty word stays a word', () => {
  assert.deepEqual(roundTrip('dash', ['', 'a', '']), ['', 'a', '']);
});

test('a NUL is refused with its position', () => {
  assert.throws(
    () => quote('ab\0c'),
    (error) => error instanceof UnquotableError && error.position === 2,
  );
});

test('a plain word stays readable', () => {
  assert.equal(quote('/run/libvirt/libvirt-sock'), '/run/libvirt/libvirt-sock');
  assert.equal(quote("it's"), "'it'\\''s'");
});
