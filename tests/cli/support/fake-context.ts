/**
 * A context with state: a terminal that remembers, a clock that the test moves, records that can be
 * changed while a command waits. The manifest directory is a real one.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CliContext, Terminal } from '../../../src/cli/context.ts';
import type { HostAccess } from '../../../src/cli/hosts/host-access.ts';
import { runCli } from '../../../src/cli/program.ts';
import type { ClusterView, ControllerLife, EventRecord } from '../../../src/cli/state-view.ts';
import {
  type DeletionLedger,
  type Hypervisor,
  type ManifestSource,
  PortError,
} from '../../../src/controllers/ports.ts';
import type { BenchHost } from '../../../src/crd/bench-host.ts';
import { load } from '../../../src/crd/load.ts';
import { qualifiedName } from '../../../src/crd/references.ts';
import { now } from './builders.ts';
import { ManualClock } from './manual-clock.ts';

export class FakeTerminal implements Terminal {
  text = '';
  isTTY = false;
  columns = 80;
  rows = 24;

  write(text: string): void {
    this.text += text;
  }

  size(): { columns: number; rows: number } {
    return { columns: this.columns, rows: this.rows };
  }
}

export class FakeWorld {
  readonly dir: string;
  readonly stdout = new FakeTerminal();
  readonly stderr = new FakeTerminal();
  readonly clock = new ManualClock(now);
  readonly abort = new AbortController();
  clusters: ClusterView[] = [];
  events: EventRecord[] = [];
  controller: ControllerLife = { running: true, pid: 42 };
  deletions: string[] = [];
  ledger: DeletionLedger = { held: [], nodes: 0, confirmed: [], changes: [] };
  confirmed: string[] = [];
  stdin = '';
  /** What the person at the terminal answers; undefined: nobody is there. */
  answer: string | undefined;
  readonly questions: string[] = [];
  /** By name; a host that is not here does not answer. */
  readonly hosts = new Map<string, Hypervisor>();
  env: Record<string, string | undefined> = {};
  parts: Partial<CliContext> = {};
  readonly #listeners = new Set<() => void>();
  #opened = 0;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Runs a command line; `--dir` is this world's. */
  run(...argv: string[]): Promise<number> {
    return runCli(argv, this.context());
  }

  /** Tells every waiting command that something changed. */
  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  get listening(): boolean {
    return this.#listeners.size > 0;
  }

  /** What commands opened and did not close. */
  get leftOpen(): number {
    return this.#opened;
  }

  async write(name: string, text: string): Promise<void> {
    await writeFile(join(this.dir, name), text);
  }

  read(name: string): Promise<string> {
    return readFile(join(this.dir, name), 'utf8');
  }

  files(): Promise<string[]> {
    return readdir(this.dir).then((names) => names.sort());
  }

  context(): CliContext {
    const missing = () => {
      throw new Error('this test gave no such part');
    };
    return {
      stdout: this.stdout,
      stderr: this.stderr,
      readStdin: async () => this.stdin,
      ask: async (question) => {
        this.questions.push(question);
        return this.answer;
      },
      env: { BENCHCLUSTER_DIR: this.dir, ...this.env },
      home: '/home/user',
      clock: this.clock,
      signal: this.abort.signal,
      version: { benchctl: '1.2.3', node: '24.0.0' },
      openSimulation: async () => undefined,
      openState: async () => this.#state(),
      openSource: (dir) => this.#source(dir),
      startController: missing,
      planOnce: missing,
      openGuests: missing,
      openHosts: async () => this.#access(),
      doctor: missing,
      images: missing,
      ...this.parts,
    };
  }

  #state() {
    this.#opened += 1;
    return {
      clusters: async () => this.clusters,
      events: async () => this.events,
      controller: async () => this.controller,
      requestDeletion: async (namespace: string, name: string) => {
        this.deletions.push(`${namespace}/${name}`);
      },
      deletionLedger: async () => this.ledger,
      confirm: async (revision: string) => {
        this.confirmed.push(revision);
      },
      onChange: (listener: () => void) => this.#subscribe(listener),
      close: async () => {
        this.#opened -= 1;
      },
    };
  }

  #access(): HostAccess {
    this.#opened += 1;
    const hypervisor = (host: BenchHost): Hypervisor => {
      const found = this.hosts.get(qualifiedName(host.metadata));
      if (found === undefined) throw new PortError('unreachable', 'no route to it');
      return found;
    };
    return {
      inventory: async (host, signal) => hypervisor(host).inventory(signal),
      deleteVolume: async (host, volume, signal) =>
        hypervisor(host).deleteVolume(volume, undefined, signal),
      close: async () => {
        this.#opened -= 1;
      },
    };
  }

  async #source(dir: string): Promise<ManifestSource> {
    this.#opened += 1;
    const names = (await readdir(dir)).filter((name) => name.endsWith('.yaml')).sort();
    const loaded = await Promise.all(
      names.map(async (name) => load(join(dir, name), await readFile(join(dir, name), 'utf8'))),
    );
    return {
      snapshot: () => ({
        trusted: true,
        manifests: loaded.flatMap(({ manifests }) => manifests),
        faults: loaded.flatMap(({ faults }) => faults),
      }),
      onChange: (listener) => this.#subscribe(listener),
      close: async () => {
        this.#opened -= 1;
      },
    };
  }

  #subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export async function createWorld(test: TestContext): Promise<FakeWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'benchctl-test-'));
  test.after(() => rm(dir, { recursive: true, force: true }));
  return new FakeWorld(dir);
}

/** Lets everything that is ready run, without waiting for a time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Runs until it is so; for work that goes through the real file system. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
