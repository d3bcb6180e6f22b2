/**
 * The checks of the project, in the order of their price: set-up, format and lint, types, tests.
 * `check.ts` runs what `npm test` promises, `check.ts e2e` the end-to-end run. The first failure
 * ends it. In CI a skipped test is a failure, because nobody would ever notice it.
 */
import { spawn } from 'node:child_process';
import { glob } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { installPackages } from './packages.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const say = (text: string) => process.stdout.write(`${text}\n`);

/** Runs a program of the project's own packages; resolves to its exit code and its last output. */
function run(program: string, args: string[]): Promise<{ code: number; tail: string }> {
  say(`\n> ${program} ${args.length > 6 ? `${args.slice(0, 4).join(' ')} …` : args.join(' ')}`);
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let tail = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text);
    tail = (tail + text).slice(-2_000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, tail }));
  });
}

async function tests(pattern: (path: string) => boolean, args: string[]): Promise<number> {
  const files: string[] = [];
  for await (const file of glob('tests/**/*.test.ts', { cwd: root })) {
    if (pattern(file)) files.push(file);
  }
  if (files.length === 0) throw new Error('there are no tests');
  const { code, tail } = await run('node', ['--test', ...args, ...files.sort()]);
  const skipped = Number(/skipped (\d+)/.exec(tail)?.[1] ?? 0);
  if (code !== 0 || skipped === 0 || process.env.CI === undefined) return code;
  say(`${skipped} tests were skipped, and in CI that is a failure`);
  return 1;
}

// A test that fails may leave a server open; the time limit makes that a failure and no hang.
const steps: Record<string, (() => Promise<number>)[]> = {
  test: [
    async () => (await run('biome', ['ci', '.'])).code,
    async () => (await run('tsc', ['-p', '.'])).code,
    () =>
      tests(
        (file) => !file.startsWith('tests/e2e/'),
        ['--test-concurrency=2', '--test-timeout=300000'],
      ),
  ],
  e2e: [() => tests((file) => file.startsWith('tests/e2e/'), ['--test-concurrency=1'])],
};

const started = performance.now();
const name = process.argv[2] ?? 'test';
await installPackages(say, 'test');
for (const step of steps[name] ?? []) {
  const code = await step();
  if (code !== 0) process.exit(code);
}
say(`\n${name}: all passed in ${Math.round((performance.now() - started) / 1000)} s`);
