/**
 * The search: inputs are made from those that are known, and one that runs code which no other ran
 * is kept to be changed further. Coverage is taken once for a batch, and for parts of it only when
 * the batch has something new. All choices come from the seed.
 */
import { type Choice, pick, seededChoice } from '../../src/sim/choice.ts';
import { type Counter, CoverageMap, type Covered, type Sample } from './coverage.ts';
import { mutate } from './mutate.ts';
import { bytesOf, type Surface } from './surface.ts';

export interface Failure {
  bytes: Uint8Array;
  error: Error;
  /** Which execution of the run it was. */
  at: number;
}

export interface Exploration {
  surface: Surface;
  seed: number;
  corpus: readonly Uint8Array[];
  /** Asked between batches. */
  goesOn: (executions: number) => boolean;
  /** Absent: blind, nothing is learnt. */
  counter?: Counter;
  /** False: stop here. */
  onFailure: (failure: Failure) => boolean | Promise<boolean>;
}

export interface Explored {
  executions: number;
  corpus: Uint8Array[];
  covered: Covered;
}

/** Small while much is found, large when little is: taking the coverage is dear. */
const batchSizes = { least: 40, most: 1280 };

export async function explore(exploration: Exploration): Promise<Explored> {
  const { surface, counter, goesOn } = exploration;
  const known = new CoverageMap();
  const corpus: Uint8Array[] = exploration.corpus.length > 0 ? [] : [new Uint8Array(0)];
  const tokens = [...surface.tokens, ' ', '\n', '\0', '"'].map(bytesOf);
  let executions = 0;
  let choice: Choice = seededChoice(exploration.seed);

  const runs = async (bytes: Uint8Array): Promise<boolean> => {
    executions += 1;
    const error = await faultOf(surface, bytes);
    return error === undefined || (await exploration.onFailure({ bytes, error, at: executions }));
  };
  /** Halves until it is known which input runs what is new, since taking the coverage is dear. */
  const learn = async (inputs: readonly Uint8Array[], taken?: Sample): Promise<void> => {
    if (counter === undefined) return;
    const sample = taken ?? (await sampleOf(counter, inputs));
    if (known.news(sample) === 0) return;
    const [first] = inputs;
    if (first !== undefined && inputs.length === 1) corpus.push(first);
    else {
      const middle = Math.ceil(inputs.length / 2);
      await learn(inputs.slice(0, middle));
      await learn(inputs.slice(middle));
    }
    // What runs only once in a process, such as what fills a cache, is of no input.
    known.add(sample);
  };
  const sampleOf = async (count: Counter, inputs: readonly Uint8Array[]): Promise<Sample> => {
    for (const input of inputs) await faultOf(surface, input);
    return count.take();
  };

  const seeds = [...exploration.corpus].sort((a, b) => a.length - b.length);
  for (const bytes of seeds) if (!(await runs(bytes))) return { executions, corpus, ...of(known) };
  counter?.take();
  await learn(seeds);
  if (corpus.length === 0) corpus.push(...seeds);

  let size = batchSizes.least;
  while (goesOn(executions)) {
    // A choice remembers all it chose; a new one for each batch keeps that short.
    choice = seededChoice(choice.choose(2 ** 32, 'batch'));
    const inputs = Array.from({ length: size }, () => next(choice, corpus, surface, tokens));
    for (const input of inputs) {
      if (!(await runs(input))) return { executions, corpus, ...of(known) };
    }
    const before = corpus.length;
    await learn(inputs, counter?.take());
    size = corpus.length > before ? batchSizes.least : Math.min(2 * size, batchSizes.most);
  }
  return { executions, corpus, ...of(known) };
}

function of(known: CoverageMap): { covered: Covered } {
  return { covered: known.covered };
}

/** Half of the time from what was found last. */
function next(
  choice: Choice,
  corpus: readonly Uint8Array[],
  { maxBytes }: Surface,
  tokens: readonly Uint8Array[],
): Uint8Array {
  const isNew = choice.choose(2, 'newest') === 1;
  const from = isNew ? corpus.slice(-Math.ceil(corpus.length / 4)) : corpus;
  return mutate(pick(choice, from, 'parent'), { choice, corpus, tokens, maxBytes });
}

/** What is wrong with this input; nothing when the property holds. */
export async function faultOf(surface: Surface, bytes: Uint8Array): Promise<Error | undefined> {
  const start = performance.now();
  const error = await thrownBy(surface, bytes);
  if (error !== undefined || performance.now() - start <= surface.limitMs) return error;
  // Other programs may have had the machine, and the first time is slow: the least of a few counts.
  let least = Number.POSITIVE_INFINITY;
  for (let again = 0; again < 4 && least > surface.limitMs; again += 1) {
    const before = process.threadCpuUsage();
    await thrownBy(surface, bytes);
    const { user, system } = process.threadCpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  if (least <= surface.limitMs) return undefined;
  return new Error(`takes ${Math.round(least)} ms, more than ${surface.limitMs} ms`);
}

async function thrownBy(surface: Surface, bytes: Uint8Array): Promise<Error | undefined> {
  try {
    // What reads files is waited for; all others cost no turn of the event loop.
    const pending = surface.check(bytes);
    if (pending !== undefined) await pending;
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}
