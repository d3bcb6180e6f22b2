import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { printAge, printDuration } from '../../src/cli/view/age.ts';
import { printBytes } from '../../src/cli/view/bytes.ts';
import { createPaint, wantsColor } from '../../src/cli/view/color.ts';
import { renderTable } from '../../src/cli/view/table.ts';
import { treeLines } from '../../src/cli/view/tree.ts';
import { printYaml } from '../../src/cli/view/yaml.ts';
import { cut, oneLine, printable } from '../../src/lib/printable.ts';

const plain = createPaint(false);
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const durations: [number, string][] = [
  [-5, '0s'],
  [0, '0s'],
  [119 * second, '119s'],
  [2 * minute, '2m'],
  [3 * minute + 5 * second, '3m5s'],
  [10 * minute + 5 * second, '10m'],
  [179 * minute, '179m'],
  [3 * hour, '3h'],
  [7 * hour + 30 * minute, '7h30m'],
  [47 * hour + 59 * minute, '47h'],
  [2 * day + 3 * hour, '2d3h'],
  [9 * day + 3 * hour, '9d'],
  [800 * day, '2y70d'],
  [3000 * day, '8y'],
];
for (const [ms, text] of durations) {
  test(`a duration of ${ms} ms is printed as ${text}`, () => {
    assert.equal(printDuration(ms), text);
  });
}

test('an age without a time is a dash, one that cannot be read a question mark', () => {
  assert.equal(printAge(undefined, 0), '-');
  assert.equal(printAge('yesterday', 0), '?');
  assert.equal(printAge('1970-01-01T00:00:00Z', 5000), '5s');
});

test('a table aligns its columns and leaves no trailing blanks', () => {
  const rows = [
    ['slurm-a', 'True', ''],
    ['b', { text: 'False', tone: 'bad' as const }, 'x'],
  ];
  assert.deepEqual(renderTable(['NAME', 'READY', 'M'], rows, { paint: plain }), [
    'NAME      READY   M',
    'slurm-a   True',
    'b         False   x',
  ]);
});

test('colour does not change the alignment of a table', () => {
  const rows = [[{ text: 'a', tone: 'good' as const }, 'x']];
  const [, painted = ''] = renderTable(['NAME', 'M'], rows, { paint: createPaint(true) });
  assert.equal(painted, '\u001b[32ma\u001b[0m      x');
});

test('a cell from outside can neither break its row nor steer the terminal', () => {
  const [, row] = renderTable(['MESSAGE'], [['a\nb\u001b[2Jc']], { paint: plain });
  assert.equal(row, 'a b\\x1b[2Jc');
});

test('colour needs a terminal and nobody who forbids it', () => {
  const base = { isTTY: true, env: {}, flag: true };
  assert.equal(wantsColor(base), true);
  assert.equal(wantsColor({ ...base, isTTY: false }), false);
  assert.equal(wantsColor({ ...base, flag: false }), false);
  assert.equal(wantsColor({ ...base, env: { NO_COLOR: '1' } }), false);
  assert.equal(wantsColor({ ...base, env: { NO_COLOR: '' } }), true);
  assert.equal(wantsColor({ ...base, env: { TERM: 'dumb' } }), false);
});

test('printable keeps lines and makes control characters visible', () => {
  assert.equal(printable('a\r\nb\tc\u0007'), 'a\nb\tc\\x07');
  assert.equal(oneLine('  a\n\n b '), 'a b');
  assert.equal(cut('abcdef', 4), 'abc…');
  assert.equal(cut('abc', 0), '');
});

test('a tree is drawn with branches, and children of the last one without a bar', () => {
  const leaf = (value: string) => ({ value, children: [] });
  const root = {
    value: 'root',
    children: [
      { value: 'a', children: [leaf('a1'), leaf('a2')] },
      { value: 'b', children: [leaf('b1')] },
    ],
  };
  assert.deepEqual(
    treeLines(root).map(({ prefix, value }) => prefix + value),
    ['root', '├─a', '│ ├─a1', '│ └─a2', '└─b', '  └─b1'],
  );
});

test('sizes are printed in binary units', () => {
  assert.deepEqual([0, 1023, 1024, 1536, 10 * 1024 ** 3, 5 * 1024 ** 5].map(printBytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '10 GiB',
    '5120 TiB',
  ]);
});

test('YAML is block style as kubectl prints it', () => {
  const value = {
    kind: 'List',
    items: [{ name: 'a', on: 'yes', size: 1, list: [] }],
    none: undefined,
  };
  assert.equal(
    printYaml(value),
    'kind: List\nitems:\n- name: a\n  "on": "yes"\n  size: 1\n  list: []\n',
  );
});

test('any JSON value is read back from its YAML, by YAML 1.2 and 1.1', () => {
  const property = fc.property(fc.jsonValue(), (value) => {
    const expected: unknown = JSON.parse(JSON.stringify(value));
    assert.deepEqual(parse(printYaml(value)), expected);
    assert.deepEqual(parse(printYaml(value), { version: '1.1', merge: false }), expected);
  });
  fc.assert(property, { numRuns: 500 });
});

test('texts that YAML readers take for something else are quoted', () => {
  const traps = [
    '',
    ' a',
    'yes',
    'No',
    'null',
    '~',
    '1e3',
    '0x1f',
    '1:30',
    '2026-08-01',
    'a: b',
    '#x',
  ];
  for (const trap of [
    ...traps,
    '- a',
    '.5',
    '.inf',
    'a #b',
    '<<',
    '=',
    '---',
    'off ',
    'Infinity',
  ]) {
    assert.equal(parse(printYaml({ trap }), { version: '1.1' }).trap, trap);
    assert.equal(parse(printYaml({ trap })).trap, trap);
  }
});
