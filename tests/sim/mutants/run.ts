/**
 * Proves that the nets have no holes: each mutant of the controller is let loose in a net, which
 * must catch it; and on the right controller no net catches anything.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { GateResult, Say } from '../gate-run.ts';
import { type Mutant, staleExitCode } from './mutant.ts';
import { mutants } from './mutants.ts';

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

/** All of them, or those with that text in their names. */
export async function runMutants(
  { threads, name = '' }: { threads: number; name?: string },
  say: Say,
): Promise<GateResult> {
  const wanted = mutants.filter((mutant) => mutant.name.includes(name));
  const used = [...new Set(wanted.map(({ net }) => net))];
  const jobs = [
    ...used.map((net) => ({ what: `the right controller in ${net}`, run: () => tryNet(net) })),
    ...wanted.map((mutant) => ({
      what: `mutant ${mutant.name} (${mutant.net}, ${mutant.says})`,
      run: () => tryMutant(mutant),
    })),
  ];
  const began = performance.now();
  const failures: { line: string }[] = [];
  const queue = jobs.values();
  const work = async () => {
    for (const { what, run } of queue) {
      const fault = await run();
      if (fault !== undefined) failures.push({ line: `${what}: ${fault}` });
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const escaped = failures.filter(({ line }) => line.startsWith('mutant')).length;
  say(
    `mutants: ${wanted.length - escaped} of ${wanted.length} caught by ${used.length} nets in ${seconds} s`,
  );
  return { passed: jobs.length - failures.length, failures };
}
