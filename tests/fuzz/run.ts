/**
 * The fuzz gate: a coverage-guided search of each surface that takes bytes of others.
 *
 *   npm run fuzz                              every surface, a minute each
 *   npm run fuzz -- [SURFACE...] [--seconds S] [--seed N] [--threads N]
 *   npm run fuzz -- --replay FILE             one committed input
 *   npm run fuzz -- [SURFACE...] --keep       also write what was learnt to tests/fuzz/corpus
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { faultOf } from './explore.ts';
import { type Report, supervised } from './supervise.ts';
import { surfaceNamed, surfaces } from './surfaces.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    threads: { type: 'string' },
    replay: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});

async function replay(file: string): Promise<number> {
  const surface = surfaceNamed(positionals[0] ?? basename(dirname(file)));
  const error = await faultOf(surface, readFileSync(file));
  say(error === undefined ? `${surface.name}: holds` : (error.stack ?? error.message));
  return error === undefined ? 0 : 1;
}

function tell(name: string, { executions, seconds, covered, corpus, failures }: Report): void {
  const { functions, branches, branchesKnown } = covered;
  const rate = seconds > 0 ? Math.round(executions / seconds) : 0;
  say(
    `${name.padEnd(15)} ${executions} executions, ${rate}/s, ${functions} functions, ` +
      `${branches} of ${branchesKnown} branches, ${corpus} inputs, ${failures.length} failures`,
  );
  for (const { file, message } of failures) {
    say(`  ${message.replaceAll('\n', '\n  ')}`);
    say(`  npm run fuzz -- ${name} --replay ${file}`);
  }
}

async function main(): Promise<number> {
  if (values.replay !== undefined) return replay(values.replay);
  const { keep } = values;
  const seed = Number(values.seed);
  const seconds = Number(values.seconds);
  const waiting = positionals.length > 0 ? positionals.map(surfaceNamed) : [...surfaces];
  const { length } = waiting;
  say(`seed ${seed}, ${seconds} s for each of ${length} surfaces`);
  let failed = 0;
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const report = await supervised({ surface: next.name, seed, seconds, keep });
      tell(next.name, report);
      if (report.failures.length > 0) failed += 1;
    }
  };
  const threads = Number(values.threads ?? availableParallelism());
  await Promise.all(Array.from({ length: threads }, work));
  say(`${length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
