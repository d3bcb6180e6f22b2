/** The timers of a virtual clock in a binary heap: by time, then by the order of their making. */

export interface Timer {
  at: number;
  sequence: number;
  /** Undefined once it was cancelled; it leaves the heap when its time comes. */
  callback: (() => void) | undefined;
  /** It is in the heap. */
  waits: boolean;
}

export class Timers {
  readonly #heap: Timer[] = [];
  #sequence = 0;
  #cancelled = 0;

  /** Timers that wait. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  add(at: number, callback: () => void): () => void {
    const timer: Timer = { at, sequence: this.#sequence, callback, waits: true };
    this.#sequence += 1;
    this.#push(timer);
    return () => {
      if (timer.callback !== undefined && timer.waits) this.#cancelled += 1;
      timer.callback = undefined;
    };
  }

  /** The next one due by then, taken out. */
  take(end: number): Timer | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || (first.at > end && first.callback)) return undefined;
      this.#pop();
      first.waits = false;
      if (first.callback) return first;
      this.#cancelled -= 1;
    }
  }

  /** It stays in line behind those of its time. */
  giveBack(timer: Timer): void {
    timer.waits = true;
    this.#push(timer);
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(timer);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(timer, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || !isBefore(child, last)) break;
      heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    heap[index] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}
