// How many commands run at once over one SSH connection (sshd's MaxSessions, 10 by default).
// The others wait in order. A server that allows fewer than we thought is learnt from its first
// refusal, so a limit of one works too. It counts only; who opens sessions is the connection.

export class SessionSlots {
  #limit: number;
  #active = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get active(): number {
    return this.#active;
  }

  // `take` is called when there is a slot, at once or later; the result withdraws the request.
  request(take: () => void, urgent = false): () => void {
    if (this.#active < this.#limit) {
      this.#active += 1;
      take();
      return () => {};
    }
    if (urgent) this.#waiting.unshift(take);
    else this.#waiting.push(take);
    return () => {
      const at = this.#waiting.indexOf(take);
      if (at !== -1) this.#waiting.splice(at, 1);
    };
  }

  release(): void {
    this.#active -= 1;
    if (this.#active >= this.#limit) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#active += 1;
    next();
  }

  // The holder of a slot was refused by the server. True: others hold sessions, so ask for a slot
  // again and wait for one of them. False: the server refuses even a single one.
  refused(): boolean {
    const others = this.#active - 1;
    if (others < 1) return false;
    this.#limit = Math.min(this.#limit, others);
    return true;
  }
}
