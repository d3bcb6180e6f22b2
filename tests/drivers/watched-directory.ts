/** A directory of manifests under a clock that the test moves; what happens in it is real. */
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ManifestSource } from '../../src/controllers/ports.ts';
import { diskFiles } from '../../src/drivers/disk-files.ts';
import type { Files } from '../../src/drivers/files.ts';
import { openManifestDirectory } from '../../src/drivers/manifest-directory.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';
import { hostText } from '../crd/manifest-texts.ts';

export class WatchedDirectory {
  readonly path: string;
  readonly clock = new VirtualClock();
  #source: ManifestSource | undefined;
  #sentinels = 0;

  constructor(path: string) {
    this.path = path;
  }

  static async make(context: TestContext, files: Record<string, string> = {}) {
    const root = await mkdtemp(join(tmpdir(), 'manifests-'));
    const directory = new WatchedDirectory(root);
    context.after(async () => {
      await directory.#source?.close();
      await rm(root, { recursive: true, force: true });
    });
    for (const [name, text] of Object.entries(files)) await directory.write(name, text);
    return directory;
  }

  get source(): ManifestSource {
    assert(this.#source);
    return this.#source;
  }

  async open(path = this.path, files: Files = diskFiles): Promise<void> {
    this.#source = await openManifestDirectory(path, { clock: this.clock, files });
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** In place, as most editors and shells do. */
  write(name: string, text: string): Promise<void> {
    return writeFile(this.file(name), text);
  }

  /** By a temporary file that is renamed over the old one. */
  async replace(name: string, text: string): Promise<void> {
    await writeFile(this.file(`.${name}.tmp`), text);
    await rename(this.file(`.${name}.tmp`), this.file(name));
  }

  remove(name: string): Promise<void> {
    return unlink(this.file(name));
  }

  /** `name` and replicas (of clusters), with `?` while it is not settled. */
  names(): string[] {
    return this.source
      .snapshot()
      .manifests.map(({ kind, object, origin }) => {
        const pools = kind === 'BenchCluster' ? object.spec.workers : [];
        const replicas = pools.map(({ replicas }) => `=${replicas}`).join('');
        return `${object.metadata.name}${replicas}${origin.settled ? '' : '?'}`;
      })
      .filter((name) => !name.startsWith('sentinel'))
      .sort();
  }

  faults(): string[] {
    return this.source.snapshot().faults.map(({ message }) => message);
  }

  trusted(): boolean {
    return this.source.snapshot().trusted;
  }

  /** Waits, bounded, for what real events and reads bring about. */
  async until(condition: () => boolean, what = String(condition)): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (!condition()) {
      assert(performance.now() < deadline, `${what}\nnow: ${JSON.stringify(this.state())}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  state() {
    const { trusted, reason } = this.source.snapshot();
    return { trusted, reason, names: this.names(), faults: this.faults() };
  }

  /** The same, while time passes in small steps. */
  async untilInTime(condition: () => boolean): Promise<void> {
    await this.until(() => {
      if (condition()) return true;
      void this.clock.advance(20);
      return false;
    }, String(condition));
  }

  /** When it returns, everything that was done before has been looked at. */
  async looked(): Promise<void> {
    this.#sentinels += 1;
    const name = `sentinel-${this.#sentinels}`;
    await this.replace('sentinel.yaml', hostText(name));
    const seen = () =>
      this.source.snapshot().manifests.some(({ object }) => object.metadata.name === name);
    await this.until(seen, `a look that finds ${name}`);
  }

  /** Time passes, and what its timers ask for is done. */
  async pass(milliseconds: number): Promise<void> {
    await this.clock.advance(milliseconds);
    await this.looked();
  }
}
