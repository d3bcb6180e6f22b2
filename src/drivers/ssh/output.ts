// Keeps a bounded part of what a command prints: the first and the last bytes.
// The beginning tells what it is, the end why it failed; a middle that does not fit is dropped and
// flagged. Memory is bounded by the limit, whatever the other side sends.

export interface Kept {
  text: string;
  truncated: boolean;
  totalBytes: number;
}

export class BoundedOutput {
  readonly #headLimit: number;
  readonly #tailLimit: number;
  #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #totalBytes = 0;

  constructor(maxBytes: number) {
    this.#headLimit = Math.ceil(maxBytes / 2);
    this.#tailLimit = Math.max(maxBytes - this.#headLimit, 1);
  }

  add(chunk: Buffer): void {
    this.#totalBytes += chunk.length;
    const room = this.#headLimit - this.#headBytes;
    if (room > 0) {
      // Copied, because a chunk may be a view into a larger buffer that would stay alive.
      const part = Buffer.from(chunk.subarray(0, room));
      this.#head.push(part);
      this.#headBytes += part.length;
      if (part.length === chunk.length) return;
      this.#addTail(chunk.subarray(part.length));
    } else {
      this.#addTail(chunk);
    }
  }

  kept(): Kept {
    const dropped = this.#totalBytes - this.#headBytes - this.#tailBytes;
    const excess = Math.max(0, this.#tailBytes - this.#tailLimit);
    const tail = Buffer.concat(this.#tail).subarray(excess);
    const missing = dropped + excess;
    const head = Buffer.concat(this.#head);
    if (missing === 0) {
      const text = Buffer.concat([head, tail]).toString('utf8');
      return { text, truncated: false, totalBytes: this.#totalBytes };
    }
    const text = `${head.toString('utf8')}\n[… ${missing} bytes left out …]\n${tail.toString('utf8')}`;
    return { text, truncated: true, totalBytes: this.#totalBytes };
  }

  // Whole chunks are dropped only when the rest still fills the limit; many small chunks are
  // merged, so that neither bytes nor objects grow with what is sent.
  #addTail(chunk: Buffer): void {
    const part = Buffer.from(chunk.subarray(Math.max(0, chunk.length - this.#tailLimit)));
    this.#tail.push(part);
    this.#tailBytes += part.length;
    if (this.#tailBytes < this.#tailLimit * 2 && this.#tail.length < 1024) return;
    const all = Buffer.concat(this.#tail);
    const last = Buffer.from(all.subarray(Math.max(0, all.length - this.#tailLimit)));
    this.#tail = [last];
    this.#tailBytes = last.length;
  }
}

// How much of what comes before the marker is remembered, to say why no script ran.
const NOISE_BYTES = 4096;

// Drops what a login script prints before ours begins: all up to the line that is the marker.
export class MarkedOutput {
  readonly #marker: Buffer;
  readonly #output: BoundedOutput;
  #noise: Buffer = Buffer.alloc(0);
  #started = false;

  constructor(marker: string, maxBytes: number) {
    this.#marker = Buffer.from(`${marker}\n`);
    this.#output = new BoundedOutput(maxBytes);
  }

  get started(): boolean {
    return this.#started;
  }

  get noise(): string {
    return this.#noise.toString('utf8');
  }

  add(chunk: Buffer): void {
    if (this.#started) {
      this.#output.add(chunk);
      return;
    }
    const seen = Buffer.concat([this.#noise, chunk]);
    const at = seen.indexOf(this.#marker);
    if (at === -1) {
      this.#noise = Buffer.from(seen.subarray(Math.max(0, seen.length - NOISE_BYTES)));
      return;
    }
    this.#started = true;
    this.#noise = Buffer.alloc(0);
    const rest = seen.subarray(at + this.#marker.length);
    if (rest.length > 0) this.#output.add(rest);
  }

  kept(): Kept {
    return this.#output.kept();
  }
}
