/**
 * Proves that the nets have no holes: each mutant of the controller is let loose in a net, which
 * must catch it; and on the right controller no net catches anything.
 *
 *   node tests/sim/mutants/run.ts [part of a mutant's name]
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Mutant, mutants, staleExitCode } from './mutants.ts';

/** A small machine has two cores. */
const workers = 2;
/** A mutant that never comes to an end is caught, too. */
const limitMs = 60_000;

interface Caught {
  lines: string[];
  exitCode: number | null;
  errors: string;
}

function cast(net: string, mutant?: Mutant): Promise<Caught> {
  const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  const hook = mutant ? ['--import', path('./mutate.ts')] : [];
  const env = { ...process.env, BENCHCLUSTER_MUTANT: mutant?.name };
  const child = spawn(process.execPath, [...hook, path('./net-process.ts'), net], {
    env,
    timeout: limitMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [text, errors] = ['', ''];
  child.stdout.on('data', (data) => {
    text += data;
  });
  child.stderr.on('data', (data) => {
    errors += data;
  });
  return new Promise((resolve) => {
    child.on('close', (exitCode, signal) => {
      const lines = text.split('\n').filter((line) => line !== '');
      if (signal !== null) lines.push('never: it came to no end');
      resolve({ lines, exitCode: signal === null ? exitCode : 0, errors });
    });
  });
}

/** Undefined when all is well. */
async function tryMutant(mutant: Mutant): Promise<string | undefined> {
  const { lines, exitCode, errors } = await cast(mutant.net, mutant);
  if (exitCode === staleExitCode) return `stale: ${errors.trim()}`;
  if (exitCode !== 0) return `did not run: ${errors.trim().slice(-500)}`;
  if (lines.some((line) => line.startsWith(`${mutant.says}:`))) return undefined;
  return `${mutant.net} was to say ${mutant.says} and said ${lines.slice(0, 3).join('; ') || 'nothing'}`;
}

async function tryNet(net: string): Promise<string | undefined> {
  const { lines, exitCode, errors } = await cast(net);
  if (exitCode !== 0) return `did not run: ${errors.trim().slice(-500)}`;
  return lines.length === 0
    ? undefined
    : `catches the right controller: ${lines.slice(0, 3).join('; ')}`;
}

const wanted = mutants.filter(({ name }) => name.includes(process.argv[2] ?? ''));
const jobs = [
  ...[...new Set(wanted.map(({ net }) => net))].map((net) => ({
    what: `the right controller: ${net}`,
    run: () => tryNet(net),
  })),
  ...wanted.map((mutant) => ({
    what: `${mutant.name} (${mutant.net}, ${mutant.says})`,
    run: () => tryMutant(mutant),
  })),
];
let [passed, failed] = [0, 0];
const queue = jobs.values();
await Promise.all(
  Array.from({ length: workers }, async () => {
    for (const { what, run } of queue) {
      const fault = await run();
      if (fault === undefined) passed += 1;
      else failed += 1;
      console.log(fault === undefined ? `ok      ${what}` : `FAILED  ${what}: ${fault}`);
    }
  }),
);
console.log(`${wanted.length} mutants`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && wanted.length > 0 ? 0 : 1;
