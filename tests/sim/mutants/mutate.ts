/**
 * Preloaded into a process (`node --import`): one file of ours is read with one text replaced, in
 * memory only. The text must be there exactly once; otherwise the mutant is stale, and says so by
 * an exit code of its own.
 */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { staleExitCode } from './mutant.ts';
import { mutants } from './mutants.ts';

const wanted = process.env.BENCHCLUSTER_MUTANT;
const mutant = mutants.find(({ name }) => name === wanted);
if (mutant === undefined) throw new RangeError(`no mutant ${wanted}`);
const root = new URL('../../../', import.meta.url);
const target = new URL(mutant.file, root).href;
let mutated = false;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const source = String(loaded.source);
    const parts = source.split(mutant.from);
    if (parts.length !== 2) {
      console.error(`${mutant.file} holds the text ${parts.length - 1} times: ${mutant.from}`);
      process.exit(staleExitCode);
    }
    mutated = true;
    return { ...loaded, source: parts.join(mutant.to) };
  },
});

process.on('exit', () => {
  if (mutated) return;
  console.error(`${pathToFileURL(mutant.file).pathname} was never loaded by ${mutant.net}`);
  process.exitCode = staleExitCode;
});
