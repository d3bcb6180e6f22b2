/**
 * One hypervisor per BenchHost, made at first use and kept: local by its unix socket, remote by
 * one SSH connection that carries libvirt, uploads and the way to the guests. A host whose spec
 * changed is connected anew.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type Hypervisor, PortError } from '../controllers/ports.ts';
import type { BenchHost } from '../crd/bench-host.ts';
import { qualifiedName } from '../crd/references.ts';
import { createHypervisor } from '../drivers/libvirt/hypervisor.ts';
import { type HostIdentity, HypervisorHost } from '../drivers/ssh/hypervisor-host.ts';
import { parseHypervisorUri } from '../drivers/ssh/hypervisor-uri.ts';
import { dialTcp } from '../drivers/ssh/tcp.ts';
import { systemClock } from '../lib/clock.ts';
import { digestOf } from '../lib/hash.ts';
import type { Log } from '../lib/log.ts';
import { type Dial, dialFirst } from '../libvirt/dial.ts';

/** Where a local libvirt listens: the monolithic daemon or virtproxyd, else virtqemud. */
const localSockets = ['/run/libvirt/libvirt-sock', '/run/libvirt/virtqemud-sock'];

interface Connected {
  digest: string;
  hypervisor: Hypervisor;
  dial: Dial;
  remote?: HypervisorHost;
}

export interface HostsOptions {
  installation: string;
  log: Log;
  env: Readonly<Record<string, string | undefined>>;
}

export class Hosts {
  readonly #options: HostsOptions;
  readonly #connected = new Map<string, Connected>();

  constructor(options: HostsOptions) {
    this.#options = options;
  }

  hypervisor(host: BenchHost): Hypervisor {
    const name = qualifiedName(host.metadata);
    const digest = digestOf(host.spec);
    const known = this.#connected.get(name);
    if (known?.digest === digest) return known.hypervisor;
    if (known) void close(known);
    const connected = { digest, ...this.#connect(host) };
    this.#connected.set(name, connected);
    return connected.hypervisor;
  }

  /** A stream to the daemon of a host, for what is no business of the controller. */
  dial(host: BenchHost): Dial {
    this.hypervisor(host);
    const connected = this.#connected.get(qualifiedName(host.metadata));
    if (connected === undefined) throw new Error('a host that is in use has a connection');
    return connected.dial;
  }

  /** A stream to a guest's port: straight for a local host, through the host for a remote one. */
  async dialGuest(
    name: string,
    address: string,
    port: number,
    signal: AbortSignal,
  ): Promise<Duplex> {
    const connected = this.#connected.get(name);
    if (connected === undefined) throw new PortError('unreachable', `host ${name} is not in use`);
    if (connected.remote) return connected.remote.dialGuest(address, port, { signal });
    return dialTcp(address, port, { signal });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connected.values()].map(close));
    this.#connected.clear();
  }

  #connect(host: BenchHost): Omit<Connected, 'digest'> {
    const { installation, log } = this.#options;
    const name = qualifiedName(host.metadata);
    const remote = host.spec.uri.startsWith('qemu+ssh:') ? this.#remote(host) : undefined;
    const dial: Dial = remote
      ? (signal) => remote.dialLibvirt(signal ? { signal } : {})
      : dialFirst(localSockets);
    const hypervisor = createHypervisor({
      dial,
      poolName: host.spec.pool,
      installation,
      clock: systemClock,
      log: log.child({ host: name }),
    });
    return { hypervisor, dial, ...(remote && { remote }) };
  }

  #remote(host: BenchHost): HypervisorHost {
    const target = parseHypervisorUri(host.spec.uri);
    const { ssh } = host.spec;
    const file = ssh?.knownHostsFile ?? target.knownHostsFile;
    return new HypervisorHost({
      target,
      name: qualifiedName(host.metadata),
      identity: this.#identity(ssh?.identityFile ?? target.keyFile),
      hostKeys: { kind: 'known-hosts', file: file ?? join(homedir(), '.ssh', 'known_hosts') },
    });
  }

  #identity(keyFile: string | undefined): HostIdentity {
    if (keyFile !== undefined) return { kind: 'key-file', path: keyFile };
    const socket = this.#options.env.SSH_AUTH_SOCK;
    if (socket) return { kind: 'agent', socket };
    return { kind: 'key-file', path: join(homedir(), '.ssh', 'id_ed25519') };
  }
}

async function close({ hypervisor, remote }: Connected): Promise<void> {
  await hypervisor.close();
  await remote?.close();
}
