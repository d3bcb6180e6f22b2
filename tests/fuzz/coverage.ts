/**
 * Which parts of our code have run, as V8 counts it, of a few files only. Counting must begin
 * before those files are loaded: code that was compiled earlier is counted by function alone.
 */
import { Session } from 'node:inspector';
import { pathToFileURL } from 'node:url';

interface CountedFunction {
  isBlockCoverage: boolean;
  ranges: { startOffset: number; endOffset: number; count: number }[];
}

interface FunctionState {
  start: number;
  /** One place for each character of its text: it has run. */
  ran: Uint8Array;
  left: number;
  /** Starts of the branches that V8 has told of. */
  branches: Set<number>;
}

export interface Covered {
  functions: number;
  branches: number;
  branchesKnown: number;
}

export class Counter {
  readonly #session = new Session();
  #prefixes: readonly string[] = [];

  /** `files` are absolute paths; one that ends in "/" is a folder. */
  constructor(files: readonly string[]) {
    this.only(files);
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  only(files: readonly string[]): void {
    this.#prefixes = files.map((file) => pathToFileURL(file).href);
  }

  /** What ran since the last call. */
  take(): [id: string, counted: CountedFunction][] {
    const { result } = this.#post('Profiler.takePreciseCoverage') as {
      result: { url: string; functions: CountedFunction[] }[];
    };
    return result
      .filter(({ url }) => this.#prefixes.some((prefix) => url.startsWith(prefix)))
      .flatMap(({ url, functions }) =>
        functions
          .filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0)
          .map((counted): [string, CountedFunction] => [
            `${url}:${counted.ranges[0]?.startOffset}:${counted.ranges[0]?.endOffset}`,
            counted,
          ]),
      );
  }

  close(): void {
    this.#post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** The inspector of one's own thread answers before `post` returns. */
  #post(method: string, params?: object): unknown {
    let answer: unknown;
    this.#session.post(method, params, (error, result) => {
      if (error) throw error;
      answer = result;
    });
    return answer;
  }
}

export type Sample = ReturnType<Counter['take']>;

/** All that has run so far. */
export class CoverageMap {
  readonly #functions = new Map<string, FunctionState>();

  /** Adds what ran; true when some of it had never run before. */
  add(sample: Sample): boolean {
    let news = false;
    for (const [id, counted] of sample) if (this.#addFunction(id, counted)) news = true;
    return news;
  }

  /** How much of the sample has never run before; a function counts, and each character of it. */
  news(sample: Sample): number {
    return sample.reduce((sum, [id, { ranges }]) => {
      const state = this.#functions.get(id);
      if (state?.left === 0) return sum;
      return sum + (state ? 0 : 1) + newlyRun(state ?? stateOf(ranges), ranges).length;
    }, 0);
  }

  get covered(): Covered {
    const states = [...this.#functions.values()];
    const branches = states.flatMap(({ branches, ran }) => [...branches].map((at) => ran[at]));
    return {
      functions: states.length,
      branches: branches.filter((ran) => ran === 1).length,
      branchesKnown: branches.length,
    };
  }

  #addFunction(id: string, { ranges }: CountedFunction): boolean {
    const known = this.#functions.get(id);
    if (known?.left === 0) return false;
    const state = known ?? stateOf(ranges);
    this.#functions.set(id, state);
    for (const range of ranges) state.branches.add(range.startOffset - state.start);
    const places = newlyRun(state, ranges);
    for (const at of places) state.ran[at] = 1;
    state.left -= places.length;
    return known === undefined || places.length > 0;
  }
}

/** The first range is the whole function. */
function stateOf([whole]: CountedFunction['ranges']): FunctionState {
  const { startOffset: start, endOffset: end } = whole ?? { startOffset: 0, endOffset: 0 };
  const length = end - start;
  return { start, ran: new Uint8Array(length), left: length, branches: new Set() };
}

/** Ranges are nested and the inner ones come later, so the last that holds a place counts. */
function newlyRun({ start, ran }: FunctionState, ranges: CountedFunction['ranges']): number[] {
  const now = new Uint8Array(ran.length);
  for (const { startOffset, endOffset, count } of ranges) {
    now.fill(count > 0 ? 1 : 0, startOffset - start, endOffset - start);
  }
  const places: number[] = [];
  for (let at = 0; at < now.length; at += 1) if (now[at] === 1 && ran[at] === 0) places.push(at);
  return places;
}
