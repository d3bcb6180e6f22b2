/**
 * What a checker is. It judges an effect when it is asked for (may the controller want this now?)
 * and when it took place (did it change what it may?), and says in words what must not have been.
 * One invariant, one file.
 */
import type { Memory } from './memory.ts';
import type { Effect, Truth } from './truth.ts';

/** An effect that the controller asks for, with the world as it is then. */
export interface Asked {
  effect: Effect;
  truth: Truth;
  memory: Memory;
}

/** An effect that took place, with the world just before and just after it. */
export interface Done {
  effect: Effect;
  before: Truth;
  after: Truth;
  memory: Memory;
  /** It ended with an error, perhaps half-way. */
  failed: boolean;
}

export interface Checker {
  /** Of the reference, such as `S3`. */
  id: string;
  asked?(asked: Asked): string[];
  done?(done: Done): string[];
}
