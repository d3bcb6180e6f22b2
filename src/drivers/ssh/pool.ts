// Keeps SSH connections open while they are needed: one per key, opened once for all who want it.
// A connection that nobody has used for a while is closed; one that ended is forgotten, so the
// next user gets a new one. A failed attempt fails all who waited for it and is not remembered.
// The key names everything that makes a connection what it is (machine, address, pinned key).

import type { SshClock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { SshConnection } from './connection.ts';
import { SshCancelled, SshConnectionLost } from './error.ts';

type Pooled = Pick<SshConnection, 'isOpen' | 'onClose' | 'close'>;

export interface Lease<C> {
  connection: C;
  reused: boolean; // it was there before: the other side may have gone without a word
  release(): void; // may be called more than once
}

interface Entry<C> {
  name: string;
  connecting: Promise<C>;
  abort: AbortController;
  connected: boolean;
  retired: boolean;
  users: number;
  cancelIdle: () => void;
}

export interface PoolOptions {
  idleMs: number;
  clock?: SshClock;
}

export class ConnectionPool<C extends Pooled> {
  readonly #entries = new Map<string, Entry<C>>();
  readonly #idleMs: number;
  readonly #clock: SshClock;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#idleMs = options.idleMs;
    this.#clock = options.clock ?? systemClock;
  }

  get size(): number {
    return this.#entries.size;
  }

  // `connect` gets the pool's own signal: the attempt is shared, so it ends only when all who
  // wait for it have given up.
  async acquire(
    key: string,
    name: string,
    connect: (signal: AbortSignal) => Promise<C>,
    signal?: AbortSignal,
  ): Promise<Lease<C>> {
    if (this.#closed) throw new SshConnectionLost(name, 'all connections were closed here');
    if (signal?.aborted) throw new SshCancelled(name, 'not-started', signal.reason);
    const found = this.#entries.get(key);
    const entry = found ?? this.#open(key, name, connect);
    const reused = entry.connected;
    entry.cancelIdle();
    entry.users += 1;
    const release = this.#releaser(key, entry);
    try {
      const connection = await unlessAborted(entry.connecting, name, signal);
      return { connection, reused, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  // The next user of the key gets a new connection; what runs over the old one ends with an error.
  async invalidate(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    await this.#end(entry);
  }

  // As above, but what still runs over the old one may end first.
  retire(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    entry.retired = true;
    if (entry.users === 0) void this.#end(entry);
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  async close(): Promise<void> {
    this.#closed = true;
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map((entry) => this.#end(entry)));
  }

  #open(key: string, name: string, connect: (signal: AbortSignal) => Promise<C>): Entry<C> {
    const abort = new AbortController();
    const entry: Entry<C> = {
      name,
      connecting: connect(abort.signal),
      abort,
      connected: false,
      retired: false,
      users: 0,
      cancelIdle: () => {},
    };
    this.#entries.set(key, entry);
    entry.connecting.then(
      (connection) => {
        entry.connected = true;
        connection.onClose(() => this.#forget(key, entry));
        if (entry.abort.signal.aborted) void connection.close();
      },
      () => this.#forget(key, entry),
    );
    return entry;
  }

  #releaser(key: string, entry: Entry<C>): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      entry.users -= 1;
      if (entry.users > 0) return;
      if (entry.retired) void this.#end(entry);
      if (this.#entries.get(key) !== entry) return;
      if (!entry.connected) {
        this.#forget(key, entry);
        entry.abort.abort();
        return;
      }
      entry.cancelIdle = this.#clock.after(this.#idleMs, () => void this.invalidate(key));
    };
  }

  #forget(key: string, entry: Entry<C>): void {
    entry.cancelIdle();
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  async #end(entry: Entry<C>): Promise<void> {
    entry.cancelIdle();
    entry.abort.abort();
    try {
      const connection = await entry.connecting;
      await connection.close();
    } catch {
      // An attempt that failed left nothing to close; who waited for it has the error.
    }
  }
}

async function unlessAborted<T>(
  promise: Promise<T>,
  name: string,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new SshCancelled(name, 'not-started', signal.reason));
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
