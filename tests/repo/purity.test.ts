/** Time, chance and the outside world come in as parameters, so that every decision can be replayed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, forbid, importsOf, type SourceFile, typescriptUnder } from './source-files.ts';

const ambient: [RegExp, string][] = [
  // Of a date only what is of some moment that it is told.
  [
    /(?<!\bnew )\bDate\b(?!\.(parse|UTC)\()|\bnew Date\b(?!\(\s*[^\s)])|\bperformance\b/,
    'take the time as a parameter, or a Clock',
  ],
  [
    /\bMath\.random\b|\bMath\[|\brandom(Bytes|UUID|Int|Fill\w*)\b|\bgetRandomValues\b|\bgenerateKey/,
    'take the random source as a parameter',
  ],
  [/\bglobalThis\b|\beval\(|\bnew Function\b/, 'name what you use'],
  [/\b(setTimeout|setInterval|setImmediate)\b|\bAbortSignal\.timeout\b/, 'use a Clock'],
  [/\bprocess(\.|\[|\?\.)/, 'only main knows the process: take what you need as a parameter'],
  [
    /(?<![.#\w])fetch\(|\blocaleCompare\b|\bIntl\.|\btoLocale\w*\(/,
    'use a port; sort by code points; no language of the machine',
  ],
];

/** Builtins without effects. */
const harmless = ['node:path', 'node:crypto', 'node:util', 'node:buffer'];

/**
 * Chance that decides nothing (the key of a cluster, names of temporary files), the clock that all
 * others get, and how the virtual one lets promises run.
 */
const exempt = new Map([
  ['src/lib/clock.ts', /\bperformance\.(now|timeOrigin)\b|\bsetTimeout\b/g],
  ['src/sim/virtual-clock.ts', /\bsetImmediate\b/g],
  ['src/controllers/schedulers/slurm/slurm.ts', /\brandomBytes\b/g],
  ['src/cli/edit/directory.ts', /\brandomUUID\b/g],
]);

/** Tells V8 how to collect; it decides nothing, and only a command asks for it. */
const tuning = 'src/lib/heap.ts';

function ruledCode(file: SourceFile): string {
  return codeOf(file).replaceAll(exempt.get(file.path) ?? /(?!)/g, '');
}

/** What runs in the simulator in place of the disk that it has there. */
const disk = 'src/drivers/disk-files.ts';

/** The files of drivers that a simulated world runs. */
function simulatedDrivers(): SourceFile[] {
  const files = new Map(typescriptUnder('src', 'tests/sim').map((file) => [file.path, file]));
  const reached = new Set(['tests/sim/world.ts']);
  for (const path of reached) {
    const file = files.get(path);
    for (const { target, typeOnly } of file ? importsOf(file) : []) {
      if (!typeOnly && target !== disk && files.has(target)) reached.add(target);
    }
  }
  return [...files.values()].filter(
    ({ path }) => reached.has(path) && path.startsWith('src/drivers/'),
  );
}

test('the rule knows what reaches for time, chance and the world, and what does not', () => {
  const isForbidden = (code: string) => ambient.some(([pattern]) => pattern.test(code));
  const reaching = [
    ...['Date.now()', 'Date()', 'new Date', 'new Date()', 'new Date( )', "Date['now']()"],
    ...["globalThis['Date']['now']()", 'const D = Date;', 'performance.timeOrigin'],
    ...['crypto.getRandomValues(bytes)', 'crypto.randomUUID()', "Math['random']()"],
    ...['process.env', "process['pid']", 'setTimeout(f, 1)', "eval('1')", 'fetch(url)'],
  ];
  assert.deepEqual(
    reaching.filter((code) => !isForbidden(code)),
    [],
  );
  const pure = [
    'new Date(now).toISOString()',
    'Date.parse(since)',
    'Math.max(1, 2)',
    'const now = 1',
  ];
  assert.deepEqual(pure.filter(isForbidden), []);
});

const ruled = new Map([
  ...['src/controllers', 'src/crd', 'src/lib', 'src/sim'].map(
    (folder) => [folder, typescriptUnder(folder)] as const,
  ),
  ['what the simulator runs of src/drivers', simulatedDrivers()],
]);
assert(simulatedDrivers().some(({ path }) => path === 'src/drivers/watched-files.ts'));

for (const [folder, files] of ruled) {
  test(`${folder} touches neither time, nor chance, nor the world`, () => {
    for (const file of files) {
      const code = ruledCode(file);
      for (const [pattern, instead] of ambient) {
        forbid(code, pattern, `${file.path}: ${instead}`);
      }
      for (const { target } of importsOf(file)) {
        const outside = target.startsWith('node:') && !harmless.includes(target);
        if (file.path === tuning && target === 'node:v8') continue;
        assert(!outside, `${file.path} imports ${target}: use a port`);
      }
    }
  });
}

test('commands take time, chance and the process from their context', () => {
  for (const file of typescriptUnder('src/cli')) {
    for (const [pattern, instead] of ambient) {
      forbid(ruledCode(file), pattern, `${file.path}: ${instead}`);
    }
  }
});

test('what decides is pure: no promise, no port, no log', () => {
  const pure = typescriptUnder('src/controllers').filter(({ path }) =>
    /\/(plan[^/]*|desired|status|catalog|breaker|removal|hold-back|references|rollout)\.ts$|\/stages\//.test(
      path,
    ),
  );
  assert(pure.length > 5);
  for (const file of pure) {
    forbid(codeOf(file), /\basync\b|\bawait\b|\bPromise\b/, `${file.path} waits`);
    for (const { target, typeOnly } of importsOf(file)) {
      const effect = /src\/lib\/(log|clock)\.ts|src\/controllers\/ports\.ts/.test(target);
      assert(!effect || typeOnly, `${file.path} imports ${target}`);
    }
  }
});

test('nobody writes to the console but through its terminal or log', () => {
  for (const file of typescriptUnder('src')) {
    forbid(codeOf(file), /\bconsole\.\w+\(/, `${file.path}: use the log or the context`);
  }
});
