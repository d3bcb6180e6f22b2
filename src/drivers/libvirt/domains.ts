/**
 * Domains: listing them, and the only calls that change them.
 * Before every change the ownership mark is read again from libvirt, by UUID; between that reading
 * and the change nobody can put another domain under the same UUID without removing ours first.
 * A libvirtd that was restarted goes on after the highest id that still runs, so it may give a domain
 * an id of before. A run is therefore named by its id and the connection that listed it, and all
 * calls of one change go through one connection.
 * Configurations are cached by UUID until an event, a write of ours or a relist.
 */
import type { DomainChange, DomainSpec, DomainView, SeenDomain } from '../../controllers/ports.ts';
import { PortError } from '../../controllers/ports.ts';
import type { Client } from '../../libvirt/client.ts';
import type { Connection } from '../../libvirt/connection.ts';
import { isAbsent, isStateRace } from '../../libvirt/error.ts';
import { DomainList, DomainStats, DomainUndefine, DomainXml } from '../../libvirt/flags.ts';
import type { DomainHandle, FoundDomain } from '../../libvirt/procedures/handle.ts';
import { unlessAbsent } from './absent.ts';
import { readsAtOnce } from './calls.ts';
import { domainStateOf } from './domain-state.ts';
import { type DomainFiles, renderDomain } from './domain-xml.ts';
import { EpochCache } from './epoch-cache.ts';
import { mapLimited } from './limited.ts';
import { isSameMachine, isSameOwner } from './owner-metadata.ts';
import { type DomainConfig, readDomain } from './read-domain.ts';
import { XmlFault } from './xml.ts';

const undefineFlags =
  DomainUndefine.managedSave |
  DomainUndefine.snapshotsMetadata |
  DomainUndefine.nvram |
  DomainUndefine.checkpointsMetadata;

export class Domains {
  readonly #client: Client;
  readonly #configs = new EpochCache<DomainConfig>();

  constructor(client: Client) {
    this.#client = client;
  }

  forget(uuid?: string): void {
    if (uuid === undefined) this.#configs.clear();
    else this.#configs.invalidate(uuid);
  }

  /** Every domain of the host, foreign ones included. Two calls, and one for each unknown domain. */
  async list(signal?: AbortSignal): Promise<DomainView[]> {
    const options = { signal };
    const connection = await this.#client.connection(options);
    const [stats, transient] = await Promise.all([
      connection.domains.stats(DomainStats.state, 0, [], options),
      connection.domains.list(DomainList.transient, options),
    ]);
    const passing = new Set(transient.map(({ uuid }) => uuid));
    this.#configs.keepOnly(new Set(stats.map(({ domain }) => domain.uuid)));
    const views = await mapLimited(stats, readsAtOnce, async ({ domain, values }) => {
      const config = await this.#config(domain, signal);
      const state = domainStateOf(values.get('state.state'), values.get('state.reason'));
      const persistent = !passing.has(domain.uuid);
      return (
        config && viewOf(domain, config, { ...state, persistent, connection: connection.number })
      );
    });
    return views.filter((view) => view !== undefined);
  }

  /** Configurations read at this moment, the running and the stored one of each domain. */
  async readAll(signal?: AbortSignal): Promise<(DomainConfig & { id: number })[]> {
    const options = { signal };
    const found = await this.#client.domains.list(0, options);
    const configs = await mapLimited(found, readsAtOnce, async (domain) => {
      const flags = domain.id === -1 ? [0] : [0, DomainXml.inactive];
      const texts = await mapLimited(flags, 1, (flag) =>
        unlessAbsent(this.#client.domains.xml(domain, flag, options)),
      );
      return texts
        .filter((text) => text !== undefined)
        .map((text) => ({ ...readDomain(text), id: domain.id }));
    });
    return configs.flat();
  }

  /** Repeating it is success. `prepare` makes what the definition will refer to. */
  async define(
    spec: DomainSpec,
    files: DomainFiles,
    signal: AbortSignal,
    prepare: () => Promise<void>,
  ): Promise<void> {
    const options = { signal };
    const [byUuid, byName] = await Promise.all([
      unlessAbsent(this.#client.domains.lookupByUuid(spec.uuid, options)),
      unlessAbsent(this.#client.domains.lookupByName(spec.name, options)),
    ]);
    for (const found of [byUuid, byName]) {
      if (found !== undefined && !(await this.#isSame(found, spec, signal))) {
        throw new PortError(
          'conflict',
          `Domain ${found.name} (${found.uuid}) exists and is not this node`,
        );
      }
    }
    if (byUuid !== undefined && (await this.#client.domains.isPersistent(byUuid, options))) return;
    const libvirt = await this.#client.host.libVersion(options);
    await prepare();
    try {
      await this.#client.domains.define(renderDomain(spec, files, libvirt), 0, options);
    } finally {
      this.forget(spec.uuid);
    }
  }

  async change(
    change: DomainChange,
    target: SeenDomain,
    signal: AbortSignal,
    beforeUndefine: (domain: DomainConfig) => Promise<void>,
  ): Promise<void> {
    const connection = await this.#client.connection({ signal });
    const config = await this.#ownConfig(change, target, connection, signal);
    if (config === undefined) {
      if (change === 'destroy' || change === 'undefine') return;
      throw new PortError('failed', `Domain ${target.uuid} is not there`);
    }
    try {
      await this.#apply(change, config, connection, { signal }, beforeUndefine);
    } catch (error) {
      // Somebody was faster, or the guest was: what counts is the state that was wanted.
      const isDone = isStateRace(error) || isAbsent(error);
      if (!isDone || !(await this.#isDone(change, config, connection, { signal }))) throw error;
    } finally {
      this.forget(target.uuid);
    }
  }

  async #apply(
    change: DomainChange,
    domain: DomainConfig,
    connection: Connection,
    options: { signal: AbortSignal },
    beforeUndefine: (domain: DomainConfig) => Promise<void>,
  ): Promise<void> {
    if (await this.#isDone(change, domain, connection, options)) return;
    const { domains } = connection;
    if (change === 'start') await domains.create(domain, 0, options);
    else if (change === 'resume') await domains.resume(domain, options);
    else if (change === 'destroy') await domains.destroy(domain, 0, options);
    else {
      // libvirt would undefine it and let it run on, invisible after its next stop.
      if (await domains.isActive(domain, options)) {
        throw new PortError('conflict', `Domain ${domain.name} is running and is not undefined`);
      }
      await beforeUndefine(domain);
      await domains.undefine(domain, undefineFlags, options);
    }
  }

  async #isDone(
    change: DomainChange,
    domain: DomainHandle,
    { domains }: Connection,
    options: { signal: AbortSignal },
  ): Promise<boolean> {
    // A crashed domain may be kept for inspection: it is active, and so has to be destroyed.
    const isActive = await unlessAbsent(domains.isActive(domain, options));
    if (change === 'undefine') return isActive === undefined;
    if (change === 'destroy') return isActive !== true;
    if (change === 'start') return isActive === true;
    return (await unlessAbsent(domains.state(domain, options)))?.state === 'running';
  }

  /** Undefined when it is absent; throws when it is not, or may not be, the one that was seen. */
  async #ownConfig(
    change: DomainChange,
    seen: SeenDomain,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<DomainConfig | undefined> {
    const { uuid } = seen;
    const xml = await unlessAbsent(connection.domains.xml({ name: uuid, uuid }, 0, { signal }));
    if (xml === undefined) return undefined;
    const config = readDomain(xml);
    const named = `Domain ${config.name} (${uuid})`;
    const wrong = differenceFrom(seen, config, change);
    if (wrong !== undefined) throw new PortError('conflict', `${named} ${wrong}`);
    if (isOfRun(seen, config, change) && seen.connection !== connection.number) {
      const why = 'libvirt was connected to again since then';
      throw new PortError('failed', `${named} may have been started anew: ${why}`);
    }
    return config;
  }

  async #isSame(found: FoundDomain, spec: DomainSpec, signal: AbortSignal): Promise<boolean> {
    if (found.uuid !== spec.uuid || found.name !== spec.name) return false;
    const { owner } = readDomain(await this.#client.domains.xml(found, 0, { signal }));
    // Another spec hash is another machine: it is replaced by the plan, never rewritten in place.
    return isSameMachine(owner, spec.owner);
  }

  #config(domain: DomainHandle, signal?: AbortSignal): Promise<DomainConfig | undefined> {
    return unlessAbsent(
      this.#configs.get(domain.uuid, async () =>
        readStranger(domain, await this.#client.domains.xml(domain, 0, { signal })),
      ),
    );
  }
}

/** Why the domain that is there is not the one that the change is meant for. */
function differenceFrom(
  seen: SeenDomain,
  found: DomainConfig,
  change: DomainChange,
): string | undefined {
  const { owner, id } = seen;
  if (!isSameOwner(found.owner, owner)) return 'does not carry our mark';
  const takesAway = change === 'destroy' || change === 'undefine';
  if (takesAway && !isSameMachine(found.owner, owner)) return 'was made anew since then';
  return isOfRun(seen, found, change) && found.id !== id
    ? 'was started anew since then'
    : undefined;
}

/** Whether the change is meant for one run alone, and the domain runs. */
function isOfRun({ id }: SeenDomain, found: DomainConfig, change: DomainChange): boolean {
  return change !== 'start' && id !== undefined && found.id !== undefined;
}

/** A text that we cannot read is never one of ours, and must not hide all the other domains. */
function readStranger({ name, uuid }: DomainHandle, xml: string): DomainConfig {
  try {
    return readDomain(xml);
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
    const nothing = { macs: [], networks: [], files: [], volumes: [] };
    return { name, uuid, ...nothing, agentConnected: false };
  }
}

function viewOf(
  { name, uuid, id }: FoundDomain,
  config: DomainConfig,
  now: Pick<DomainView, 'state' | 'reason' | 'persistent' | 'connection'>,
): DomainView {
  const { owner, macs, networks, files, cpus, memoryBytes, agentConnected } = config;
  return {
    ...{ name, uuid, id },
    ...now,
    ...(owner && { owner }),
    ...{ macs, networks, files },
    ...(cpus !== undefined && { cpus }),
    ...(memoryBytes !== undefined && { memoryBytes }),
    agentConnected: agentConnected && id !== -1,
  };
}
