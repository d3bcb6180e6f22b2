/** What must hold at the end of a run: rest, and a world as the source orders it. */
import type { Memory } from './memory.ts';
import type { Truth } from './truth.ts';

export interface RestMark {
  asks: number;
}

export function restMark({ attempts }: Memory): RestMark {
  return { asks: attempts.asks.length };
}

/** L2: what was asked for since then. */
export function writtenSince({ asks }: RestMark, { attempts }: Memory): string[] {
  const names = attempts.asks.slice(asks).map(({ name }) => name);
  return names.length === 0
    ? []
    : [`at rest, ${names.length} effects: ${names.slice(0, 5).join()}`];
}

export function endOfRun(_truth: Truth, _memory: Memory): { id: string; message: string }[] {
  return [];
}
