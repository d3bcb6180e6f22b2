/** Searches one surface in a process of its own, which may hang or die by what it reads. */
import { fileURLToPath } from 'node:url';
import { Counter } from './coverage.ts';
import { explore, type Failure } from './explore.ts';
import type { Order, Report } from './supervise.ts';

const order: Order = JSON.parse(process.argv[2] ?? '');
// Before the code is loaded: what is compiled earlier is not counted branch by branch.
const source = fileURLToPath(new URL('../../src/', import.meta.url));
const counter = new Counter([source]);
const { surfaceNamed } = await import('./surfaces.ts');
const { knownInputs, replaceCorpus, saveCrash } = await import('./corpus.ts');
const { distilled } = await import('./distil.ts');
const { minimized, signatureOf } = await import('./minimize.ts');
const { noted } = await import('./noted.ts');

const failuresAtMost = 3;
/** Counted code is slower by so much at most. */
const slowdown = 4;
const plain = surfaceNamed(order.surface);
const surface = noted({ ...plain, limitMs: slowdown * plain.limitMs }, order.noteFile);
counter.only(surface.covers.map((path) => `${source}${path}`));
const failures: Report['failures'] = [];
const seen = new Set<string>();

async function onFailure(failure: Failure): Promise<boolean> {
  const signature = signatureOf(failure.error);
  if (seen.has(signature)) return true;
  seen.add(signature);
  const file = saveCrash(surface, await minimized(surface, failure));
  failures.push({ file, message: failure.error.stack ?? failure.error.message });
  return failures.length < failuresAtMost;
}

const started = performance.now();
const { executions, corpus, covered } = await explore({
  surface,
  seed: order.seed,
  corpus: knownInputs(surface),
  counter,
  goesOn: () => performance.now() - started < order.seconds * 1000,
  onFailure,
});
const seconds = (performance.now() - started) / 1000;
if (order.keep) replaceCorpus(surface, await distilled(surface, counter, corpus));
const report: Report = { executions, seconds, corpus: corpus.length, covered, failures };
process.send?.(report);
