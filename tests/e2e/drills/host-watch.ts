/**
 * What a hypervisor saw, counted by libvirt's own events and by the pool's directory: how often each
 * domain was defined, started, stopped and undefined, and each file made and removed. Our own code
 * has no part in the counting.
 */
import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../../lab/lab.ts';
import { eventually } from '../test-bench.ts';

/** Sorted lines such as `Defined Added a-head-0: 1`. */
export type HostCounts = string[];

export class HostWatch implements Disposable {
  readonly #counts = new Map<string, number>();
  readonly #child: ReturnType<Lab['spawn']>;
  readonly #files: FSWatcher;

  constructor(lab: Lab) {
    const events = 'virsh event --event lifecycle --loop'.split(' ');
    this.#child = lab.spawn(['stdbuf', '-oL', ...events], { stdio: ['ignore', 'pipe', 'ignore'] });
    let rest = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, domain, what] = /for domain '(.*)': (.*)$/.exec(line) ?? [];
        // To define again what is the same changes nothing.
        if (domain && what && what !== 'Defined Updated') this.#add(`${what} ${domain}`);
      }
    });
    this.#files = watch(join(lab.dir, 'lib', 'images'), (kind, name) => {
      // Made or removed, one by one; only the upload of an image may have been repeated.
      if (kind === 'rename' && name && !name.startsWith('bare-')) this.#add(`file ${name}`);
    });
  }

  #add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** What was counted since the last call, as soon as so many domains have been undefined. */
  async take(undefined_: number): Promise<HostCounts> {
    const gone = () => [...this.#counts.keys()].filter((key) => key.startsWith('Undefined')).length;
    await eventually(
      'the last event of libvirt',
      async () => gone(),
      (count) => count >= undefined_,
    );
    const lines = [...this.#counts].map(([what, count]) => `${what}: ${count}`).sort();
    this.#counts.clear();
    return lines;
  }

  [Symbol.dispose](): void {
    this.#files.close();
    this.#child.kill('SIGKILL');
  }
}
