/** Of many inputs the few and short ones that run what neither seeds nor crashes do. */
import { committed, isCrash } from './corpus.ts';
import { type Counter, CoverageMap } from './coverage.ts';
import { faultOf } from './explore.ts';
import { shortened } from './minimize.ts';
import type { Surface } from './surface.ts';

/** Each takes the coverage, which is dear. */
const triesForEach = 40;

export async function distilled(
  surface: Surface,
  counter: Counter,
  inputs: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  const known = new CoverageMap();
  const sampleOf = async (bytes: Uint8Array) => {
    counter.take();
    await faultOf(surface, bytes);
    return counter.take();
  };
  const crashes = committed(surface).filter(isCrash);
  for (const bytes of [...surface.seeds(), ...crashes.map((crash) => crash.bytes)]) {
    known.add(await sampleOf(bytes));
  }
  const kept: Uint8Array[] = [];
  for (const input of [...inputs].sort((a, b) => a.length - b.length)) {
    const news = known.news(await sampleOf(input));
    if (news === 0) continue;
    let left = triesForEach;
    const stays = async (bytes: Uint8Array) => {
      left -= 1;
      return known.news(await sampleOf(bytes)) >= news;
    };
    const short = await shortened(input, stays, () => left > 0);
    known.add(await sampleOf(short));
    kept.push(short);
  }
  return kept;
}
