/**
 * Who made what. A thing is of the controller's making when it came to be while an effect of the
 * controller took place, and it is so no longer once it has gone, or has another name or mark:
 * what others do shows as a difference between two looks.
 */
import { diskOfNode, nodeName, partNamed, uuidOfNode } from './derived.ts';
import type {
  DefinitionAsked,
  DomainTruth,
  Effect,
  HostTruth,
  MarkTruth,
  NetworkTruth,
  Truth,
  VolumeTruth,
} from './truth.ts';
import type { Version } from './version.ts';

export interface MadeDomain {
  asked: DefinitionAsked;
  at: number;
  /** What the source ordered then: the newest first. */
  orders: Version[];
}

export interface MadeVolume {
  at: number;
  /** Of an image: the digest that it was asked with. */
  sha256?: string;
  backingVolume?: string;
}

export class Lineage {
  readonly #installation: string;
  readonly #domains = new Map<string, MadeDomain>();
  readonly #volumes = new Map<string, MadeVolume>();
  readonly #networks = new Map<string, string>();
  /** Since when a thing that is not ours is there. */
  readonly #foreignSince = new Map<string, number>();
  /** When a domain or volume was first seen. */
  readonly #firstSeen = new Map<string, number>();
  /** Another installation has been seen at work, so not all that bears a name of ours is ours. */
  hasNeighbour = false;

  constructor(installation: string) {
    this.#installation = installation;
  }

  /** What is gone was not ours for ever: another one of that name is somebody else's. */
  saw({ hosts, now }: Truth): void {
    for (const host of hosts) {
      this.hasNeighbour ||= this.#showsNeighbour(host);
      const uuids = new Set(host.domains.map(({ uuid }) => keyOf(host, uuid)));
      const names = new Set(host.volumes.map(({ name }) => keyOf(host, name)));
      const networks = new Set(host.networks.map(({ name }) => keyOf(host, name)));
      prune(this.#domains, host, uuids);
      prune(this.#volumes, host, names);
      prune(this.#networks, host, networks);
      prune(this.#foreignSince, host, uuids);
      prune(this.#firstSeen, host, uuids, names);
      for (const key of [...uuids, ...names]) {
        if (!this.#firstSeen.has(key)) this.#firstSeen.set(key, now);
      }
      for (const domain of host.domains) {
        this.#forgetOther(host, domain);
        this.#note(keyOf(host, domain.uuid), !this.isOurs(domain), now);
      }
    }
  }

  /** An effect took place: what is new is ours. */
  done(effect: Effect, before: Truth, after: Truth, orders: Version[]): void {
    if (!('host' in effect)) return;
    const host = after.hosts.find(({ name }) => name === effect.host);
    const earlier = before.hosts.find(({ name }) => name === effect.host);
    if (host === undefined || earlier === undefined) return;
    switch (effect.kind) {
      case 'defineDomain': {
        const { uuid } = effect.domain;
        const made = host.domains.some((domain) => domain.uuid === uuid);
        const known = earlier.domains.some((domain) => domain.uuid === uuid);
        if (!made || known) break;
        this.#domains.set(keyOf(host, uuid), { asked: effect.domain, at: after.now, orders });
        break;
      }
      case 'createVolume':
      case 'uploadArtifact': {
        const old = new Set(earlier.volumes.map(({ name }) => name));
        for (const { name } of host.volumes) {
          // While an upload takes place others make volumes, too.
          if (old.has(name) || !isMadeBy(effect, name)) continue;
          this.#volumes.set(keyOf(host, name), { at: after.now, ...contentOf(effect) });
        }
        break;
      }
      case 'createNetwork': {
        const { name, uuid } = effect.network;
        if (earlier.networks.some((network) => network.name === name)) break;
        this.#networks.set(keyOf(host, name), uuid);
      }
    }
    this.saw(after);
  }

  made(host: HostTruth, uuid: string): MadeDomain | undefined {
    return this.#domains.get(keyOf(host, uuid));
  }

  madeVolume(host: HostTruth, name: string): MadeVolume | undefined {
    return this.#volumes.get(keyOf(host, name));
  }

  /** Name, UUID and mark together prove a domain to be of this installation. */
  isOurs({ name, uuid, owner }: Pick<DomainTruth, 'name' | 'uuid' | 'owner'>): boolean {
    if (owner?.installation !== this.#installation || owner.node === undefined) return false;
    const { namespace, cluster, pool, index } = owner.node;
    const expected = nodeName(cluster, pool, index);
    return (
      name === expected && uuid === uuidOfNode(this.#installation, `${namespace}/${cluster}`, name)
    );
  }

  /** Made by an effect, or left by an earlier life: the overlay under one of our derived names. */
  isOurVolume(host: HostTruth, volume: VolumeTruth, clusters: readonly string[]): boolean {
    if (this.#volumes.has(keyOf(host, volume.name))) return true;
    if (volume.backingVolume === undefined) return false;
    return this.nodeOfDisk(volume.name, clusters) !== undefined && isImage(volume.backingVolume);
  }

  /** The node whose derived disk name this is. */
  nodeOfDisk(
    volume: string,
    clusters: readonly string[],
  ): { cluster: string; node: string; uuid: string } | undefined {
    const node = /^(.+)-[0-9a-f]{8}\.qcow2$/.exec(volume)?.[1];
    if (node === undefined) return undefined;
    for (const cluster of clusters) {
      const uuid = uuidOfNode(this.#installation, cluster, node);
      if (volume === diskOfNode(node, uuid)) return { cluster, node, uuid };
    }
    return undefined;
  }

  isOurNetwork(network: NetworkTruth): boolean {
    return network.owner?.installation === this.#installation && network.owner.node === undefined;
  }

  /** For how long a domain has been somebody else's, in milliseconds. */
  foreignFor(host: HostTruth, uuid: string, now: number): number {
    const since = this.#foreignSince.get(keyOf(host, uuid));
    return since === undefined ? 0 : now - since;
  }

  /** For how long the domain of that UUID, or the volume of that name, has been there. */
  seenFor(host: HostTruth, thing: string, now: number): number {
    return now - (this.#firstSeen.get(keyOf(host, thing)) ?? now);
  }

  #showsNeighbour({ domains, networks, volumes }: HostTruth): boolean {
    const own = this.#installation;
    return (
      [...domains, ...networks].some(({ owner }) => owner && owner.installation !== own) ||
      volumes.some(({ name }) => !own.startsWith(partNamed(name)?.by ?? ''))
    );
  }

  /** A backup puts back what was made for another order. */
  #forgetOther(host: HostTruth, { uuid, owner }: DomainTruth): void {
    const made = this.#domains.get(keyOf(host, uuid));
    if (made === undefined || owner?.node === undefined) return;
    const isSame = made.asked.owner.node?.specHash === owner.node.specHash;
    if (!isSame) this.#domains.delete(keyOf(host, uuid));
  }

  #note(key: string, foreign: boolean, now: number): void {
    if (!foreign) this.#foreignSince.delete(key);
    else if (!this.#foreignSince.has(key)) this.#foreignSince.set(key, now);
  }
}

/** Which node of which cluster a mark speaks of. */
export function nodeOf(owner: MarkTruth | undefined) {
  const { node } = owner ?? {};
  if (node === undefined) return undefined;
  const { namespace, cluster, pool, index } = node;
  return { cluster: `${namespace}/${cluster}`, pool, index, name: nodeName(cluster, pool, index) };
}

/** Images of ours are named by their content. */
function isImage(volume: string): boolean {
  return /-[0-9a-f]{12}\.(qcow2|vmlinuz|initrd)$/.test(volume);
}

function isMadeBy(effect: Effect, volume: string): boolean {
  if (effect.kind === 'uploadArtifact') return volume === effect.artifact.volume;
  return effect.kind === 'createVolume' && volume === effect.volume.name;
}

function contentOf(effect: Effect): { sha256?: string; backingVolume?: string } {
  if (effect.kind === 'uploadArtifact') return { sha256: effect.artifact.sha256 };
  if (effect.kind === 'createVolume') return { backingVolume: effect.volume.backingVolume };
  return {};
}

function keyOf(host: { name: string }, thing: string): string {
  return `${host.name} ${thing}`;
}

function prune(
  known: Map<string, unknown>,
  host: HostTruth,
  ...there: readonly ReadonlySet<string>[]
): void {
  const prefix = keyOf(host, '');
  for (const key of known.keys()) {
    if (!there.some((keys) => keys.has(key)) && key.startsWith(prefix)) known.delete(key);
  }
}
