// A hypervisor that is reached over SSH by an ordinary user: one connection carries all of it,
// libvirt's protocol, the image uploads inside it, and the way to the guests behind its NAT.
// The connection is made when it is first needed, kept while streams use it, closed when idle and
// made again after a loss. The host key must be pinned; there is no other way in.

import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { SshClock } from './clock.ts';
import type { CommandResult } from './command.ts';
import { type OpenOptions, type RunOptions, SshConnection } from './connection.ts';
import { SshIdentityUnusable } from './error.ts';
import type { PinnedHost } from './host-key.ts';
import type { HypervisorTarget } from './hypervisor-uri.ts';
import type { Identity } from './identity.ts';
import { parsePublicKey } from './keys.ts';
import { parseKnownHosts, pinOf } from './known-hosts.ts';
import { dialLibvirt, type LibvirtRoute } from './libvirt-route.ts';
import { ConnectionPool, type Lease } from './pool.ts';

export type HostIdentity = { kind: 'key-file'; path: string } | Exclude<Identity, { kind: 'key' }>;

export type HostKeySource =
  | { kind: 'given'; keys: readonly string[] } // public key lines
  | { kind: 'known-hosts'; file: string };

export interface HypervisorHostOptions {
  target: HypervisorTarget;
  identity: HostIdentity;
  hostKeys: HostKeySource;
  name?: string; // what errors call it
  idleMs?: number;
  handshakeMs?: number;
  keepaliveMs?: number;
  clock?: SshClock;
  dial?: (signal: AbortSignal) => Promise<Duplex>; // another way than TCP to its SSH server
}

const IDLE_MS = 5 * 60_000;

export class HypervisorHost {
  readonly #options: HypervisorHostOptions;
  readonly #pool: ConnectionPool<SshConnection>;
  #route: LibvirtRoute | undefined;

  constructor(options: HypervisorHostOptions) {
    this.#options = options;
    this.#pool = new ConnectionPool({
      idleMs: options.idleMs ?? IDLE_MS,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    });
  }

  get name(): string {
    return this.#options.name ?? this.#options.target.host;
  }

  // How libvirt is reached, once it was.
  get route(): LibvirtRoute | undefined {
    return this.#route;
  }

  async dialLibvirt(options: OpenOptions = {}): Promise<Duplex> {
    return await this.#stream(options, async (connection) => {
      const { target } = this.#options;
      try {
        const routed = await dialLibvirt(connection, target, this.#route, options);
        this.#route = routed.route;
        return routed.stream;
      } catch (error) {
        this.#route = undefined;
        throw error;
      }
    });
  }

  // The same, as the libvirt client takes it.
  readonly dial = (signal?: AbortSignal): Promise<Duplex> =>
    this.dialLibvirt(signal === undefined ? {} : { signal });

  async dialGuest(address: string, port: number, options: OpenOptions = {}): Promise<Duplex> {
    return await this.#stream(options, (connection) =>
      connection.forwardTcp(address, port, options),
    );
  }

  // For questions about the host itself (doctor); provisioning needs no shell there.
  async run(options: RunOptions): Promise<CommandResult> {
    const lease = await this.#acquire(options.signal);
    try {
      return await lease.connection.run(options);
    } finally {
      lease.release();
    }
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #stream(
    options: OpenOptions,
    open: (connection: SshConnection) => Promise<Duplex>,
  ): Promise<Duplex> {
    const lease = await this.#acquire(options.signal);
    try {
      const stream = await open(lease.connection);
      stream.once('close', lease.release);
      return stream;
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  #acquire(signal: AbortSignal | undefined): Promise<Lease<SshConnection>> {
    return this.#pool.acquire('host', this.name, (own) => this.#connect(own), signal);
  }

  async #connect(signal: AbortSignal): Promise<SshConnection> {
    const { target, dial, handshakeMs, keepaliveMs, clock } = this.#options;
    const { host, port, user } = target;
    const pin = await readPin(this.#options.hostKeys, host, port);
    const identity = await readIdentity(this.#options.identity, this.name);
    return await SshConnection.connect({
      endpoint: { host, port, user, name: this.name },
      identity,
      pin,
      signal,
      ...(dial === undefined ? {} : { stream: await dial(signal) }),
      ...(handshakeMs === undefined ? {} : { timeoutMs: handshakeMs }),
      ...(keepaliveMs === undefined ? {} : { keepaliveMs }),
      ...(clock === undefined ? {} : { clock }),
    });
  }
}

// Read anew for each connection, so that a key that was just pinned counts at once. A file that
// is not there pins nothing, and the error about that names the command that makes it.
async function readPin(source: HostKeySource, host: string, port: number): Promise<PinnedHost> {
  if (source.kind === 'given') {
    const keys = source.keys.map((line) => parsePublicKey(line, `the host key given for ${host}`));
    return { keys, revoked: [] };
  }
  const text = await readFile(source.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return { ...pinOf(parseKnownHosts(text).lines, host, port), file: source.file };
}

async function readIdentity(identity: HostIdentity, name: string): Promise<Identity> {
  if (identity.kind === 'agent') return identity;
  try {
    const privateKey = await readFile(identity.path);
    return { kind: 'key', privateKey, name: identity.path };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be read';
    const hint = `make a key with: ssh-keygen -t ed25519 -f ${identity.path}`;
    throw new SshIdentityUnusable(name, identity.path, reason, hint, error);
  }
}
