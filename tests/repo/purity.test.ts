/** Time, chance and the outside world come in as parameters, so that every decision can be replayed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, forbid, importsOf, type SourceFile, typescriptUnder } from './source-files.ts';

const ambient: [RegExp, string][] = [
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/, 'take the time as a parameter, or a Clock'],
  [/\bMath\.random\b|\brandomBytes\b|\brandomUUID\b/, 'take the random source as a parameter'],
  [/\b(setTimeout|setInterval|setImmediate)\b|\bAbortSignal\.timeout\b/, 'use a Clock'],
  [/\bprocess\./, 'only main knows the process: take what you need as a parameter'],
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
  ['src/lib/clock.ts', /\bperformance\.now\b|\bsetTimeout\b/g],
  ['src/sim/virtual-clock.ts', /\bsetImmediate\b/g],
  ['src/controllers/schedulers/slurm/slurm.ts', /\brandomBytes\b/g],
  ['src/cli/edit/directory.ts', /\brandomUUID\b/g],
]);

/** Tells V8 how to collect; it decides nothing, and only a command asks for it. */
const tuning = 'src/lib/heap.ts';

function ruledCode(file: SourceFile): string {
  return codeOf(file).replaceAll(exempt.get(file.path) ?? /(?!)/g, '');
}

for (const folder of ['src/controllers', 'src/crd', 'src/lib', 'src/sim']) {
  test(`${folder} touches neither time, nor chance, nor the world`, () => {
    for (const file of typescriptUnder(folder)) {
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
