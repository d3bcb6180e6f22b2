/**
 * Makes a failing run smaller: parts of its choices are set to zero, deleted or halved, and what
 * still breaks the same invariant is kept. The result is a run of its own that replays strictly.
 */
import { type Chosen, guidedChoice, type RecordedChoice } from '../../src/sim/choice.ts';
import type { Played } from './swarm/play.ts';

export interface Shrunk {
  record: readonly Chosen[];
  played: Played;
  tries: number;
}

/** How the run of a changed list goes; it keeps what that run really chose. */
export type Judge = (choice: RecordedChoice) => Promise<Played>;

/** Ends after the time, in real milliseconds. */
export async function shrink(
  failing: { record: readonly Chosen[]; played: Played },
  judge: Judge,
  limitMs = 60_000,
): Promise<Shrunk> {
  const id = failing.played.failure?.id;
  const endsAt = performance.now() + limitMs;
  let best: Shrunk = { ...failing, tries: 0 };
  /** True when the candidate fails in the same way, and is now the best. */
  const keeps = async (candidate: Chosen[]): Promise<boolean> => {
    const choice = guidedChoice(candidate);
    best.tries += 1;
    const played = await judge(choice);
    if (played.failure?.id !== id || weight(choice.record) >= weight(best.record)) return false;
    best = { record: choice.record, played, tries: best.tries };
    return true;
  };
  const isOver = () => performance.now() > endsAt;
  for (let before = -1; before !== weight(best.record) && !isOver(); ) {
    before = weight(best.record);
    for (const change of [zeroed, deleted, halved]) {
      for (let size = 64; size >= 1 && !isOver(); size = Math.floor(size / 4)) {
        for (let at = 0; !isOver(); at += size) {
          // Only what is not zero yet counts, and it is told by its place among those.
          const places = best.record.flatMap(({ value }, index) => (value > 0 ? [index] : []));
          const chosen = new Set(places.slice(at, at + size));
          if (chosen.size === 0) break;
          if (await keeps(change(best.record, chosen))) at -= size;
        }
      }
    }
  }
  return best;
}

/** The smaller, the simpler: what is not zero first, then how large it is. */
function weight(record: readonly Chosen[]): number {
  return record.reduce((sum, { n, value }) => sum + (value > 0 ? 1 + value / n : 0), 0);
}

function zeroed(record: readonly Chosen[], places: ReadonlySet<number>): Chosen[] {
  return record.map((chosen, index) => (places.has(index) ? { ...chosen, value: 0 } : chosen));
}

function deleted(record: readonly Chosen[], places: ReadonlySet<number>): Chosen[] {
  return record.filter((_, index) => !places.has(index));
}

function halved(record: readonly Chosen[], places: ReadonlySet<number>): Chosen[] {
  return record.map((chosen, index) =>
    places.has(index) ? { ...chosen, value: chosen.value >> 1 } : chosen,
  );
}
