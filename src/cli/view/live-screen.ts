/**
 * A block of lines at the foot of a terminal that is redrawn in place.
 * Lines that should stay are printed above it. It writes relative cursor moves only, so it works
 * in any scrollback, and it never draws more lines than the terminal has.
 */
import type { Terminal } from '../context.ts';

export class LiveScreen {
  readonly #terminal: Terminal;
  #drawn: string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Lines must fit the width, or the cursor arithmetic is off. */
  draw(lines: readonly string[]): void {
    const fitting = lines.slice(0, Math.max(1, this.#terminal.size().rows - 1));
    if (sameLines(fitting, this.#drawn)) return;
    this.#terminal.write(this.#erase() + fitting.map((line) => `${line}\n`).join(''));
    this.#drawn = [...fitting];
  }

  /** Puts lines above the block; they stay. */
  print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const block = this.#drawn.map((line) => `${line}\n`).join('');
    this.#terminal.write(this.#erase() + lines.map((line) => `${line}\n`).join('') + block);
  }

  #erase(): string {
    return this.#drawn.length === 0 ? '' : `\u001b[${this.#drawn.length}A\u001b[0J`;
  }
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}
