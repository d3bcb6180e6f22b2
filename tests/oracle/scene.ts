/**
 * A small world of plain values for the oracle's own tests: one cluster `a` with a head and two
 * workers, made as a right controller would make it. Nothing in it refuses anything.
 */
import { diskOfNode, nameUuid, uidOfCluster, uuidOfNode } from './derived.ts';
import { Oracle } from './oracle.ts';
import type {
  DefinitionAsked,
  DomainTruth,
  Effect,
  HostTruth,
  MarkTruth,
  SchedulerTruth,
  SourceTruth,
  StatusTruth,
  Witness,
} from './truth.ts';

export const cluster = 'default/a';
const sha256 = 'a'.repeat(64);
const image = `debian-${sha256.slice(0, 12)}.qcow2`;

export class Scene implements Witness {
  readonly installation = '6f0d2c1e-3b5a-4c7d-8e9f-000000000009';
  time = Date.parse('2026-01-01T00:00:00Z');
  readonly host: HostTruth = {
    name: 'h',
    poolPath: '/pool',
    domains: [],
    volumes: [],
    networks: [],
  };
  readonly scheduler: SchedulerTruth = {
    namespace: 'default',
    cluster: 'a',
    head: this.uuid('a-head-0'),
    answers: true,
    records: [],
  };
  readonly held: SourceTruth = {
    trusted: true,
    manifests: [],
    faults: [],
    requests: [],
    confirmations: [],
  };
  readonly keys = new Map<string, Uint8Array>([['a/key', Buffer.from('canary-of-a')]]);
  readonly oracle: Oracle;

  constructor() {
    this.order({});
    this.oracle = new Oracle(this);
  }

  now = (): number => this.time;
  hosts = (): HostTruth[] => [structuredClone(this.host)];
  schedulers = (): SchedulerTruth[] => [structuredClone(this.scheduler)];
  source = (): SourceTruth => structuredClone(this.held);
  secrets = () => this.keys;

  /** The ids of what was found wrong, each once. */
  get found(): string[] {
    return [...new Set(this.oracle.violations.map(({ id }) => id))];
  }

  wait(milliseconds: number): this {
    this.time += milliseconds;
    this.oracle.look();
    return this;
  }

  /** An effect that is asked for now and takes place at once. */
  act(effect: Effect, change: () => void = () => {}): this {
    const act = this.oracle.asked(effect);
    act.through(change);
    act.ended();
    return this;
  }

  /** What the source holds: one cluster, with so many workers and so much memory for each. */
  order({
    workers = 2,
    memory = '1Gi',
    drain = { timeout: '10m', onTimeout: 'Wait' },
    settled = true,
    paused = false,
  }): void {
    const machine = { cpus: 1, memory, disk: '10Gi' };
    const rollout = { maxUnavailable: 1 };
    const spec = {
      image: 'debian',
      network: { name: 'net', managed: {} },
      controlPlane: { replicas: 1, cpus: 1, memory: '1Gi', disk: '10Gi' },
      workers: [{ name: 'w', replicas: workers, ...machine, drain, rollout }],
      access: { authorizedKeys: [] },
      scheduler: { slurm: {} },
      paused,
    };
    const origin = { settled };
    const named = (kind: string, name: string, spec: unknown) => ({
      kind,
      object: { metadata: { namespace: 'default', name }, spec },
      origin,
    });
    this.held.manifests = [
      named('BenchCluster', 'a', spec),
      named('BenchImage', 'debian', { source: { sha256 } }),
      named('BenchHost', 'h', {}),
    ];
    this.oracle?.sourceChanged();
  }

  /** The manifest of the cluster is gone. */
  withdraw(): void {
    this.held.manifests = this.held.manifests.filter(({ kind }) => kind !== 'BenchCluster');
    this.oracle.sourceChanged();
  }

  uuid(node: string): string {
    return uuidOfNode(this.installation, cluster, node);
  }

  disk(node: string): string {
    return diskOfNode(node, this.uuid(node));
  }

  mark(node: string): MarkTruth {
    const [, pool = '', index] = node.split('-');
    const clusterUid = uidOfCluster(this.installation, cluster);
    const identity = { clusterUid, namespace: 'default', cluster: 'a', pool };
    return { installation: this.installation, node: { ...identity, index: Number(index) } };
  }

  definition(node: string): DefinitionAsked {
    return {
      name: node,
      uuid: this.uuid(node),
      cpus: 1,
      memoryBytes: 2 ** 30,
      volume: this.disk(node),
      network: 'net',
      mac: `52:54:00:00:00:${node.length}${node.at(-1)}`,
      owner: this.mark(node),
    };
  }

  domain(node: string): DomainTruth {
    const found = this.host.domains.find(({ name }) => name === node);
    if (found === undefined) throw new RangeError(`no domain ${node}`);
    return found;
  }

  upload(): this {
    const artifact = { volume: image, sha256 };
    return this.act({ host: 'h', kind: 'uploadArtifact', artifact }, () => {
      this.host.volumes.push({ name: image, capacityBytes: 1000, contentSha256: sha256 });
    });
  }

  network(): this {
    const owner = { installation: this.installation };
    const network = { name: 'net', uuid: nameUuid(this.installation, 'network/net'), owner };
    return this.act({ host: 'h', kind: 'createNetwork', network }, () => {
      this.host.networks.push({ ...network, active: true, leases: [] });
    });
  }

  makeDisk(node: string): this {
    const volume = { name: this.disk(node), capacityBytes: 10 * 2 ** 30, backingVolume: image };
    return this.act({ host: 'h', kind: 'createVolume', volume }, () => {
      this.host.volumes.push(volume);
    });
  }

  define(node: string, asked = this.definition(node)): this {
    const { name, uuid, owner, mac, network, volume } = asked;
    return this.act({ host: 'h', kind: 'defineDomain', domain: asked }, () => {
      const off = { state: 'shutoff', reason: '', persistent: true, id: -1, answers: false };
      this.host.domains.push({
        name,
        uuid,
        owner,
        mac,
        network,
        files: [`/pool/${volume}`],
        ...off,
      });
    });
  }

  change(kind: 'start' | 'destroy' | 'undefine', node: string): this {
    const { uuid, id, owner = { installation: '' } } = this.domain(node);
    return this.act({ host: 'h', kind, uuid, id, owner: structuredClone(owner) }, () => {
      const domain = this.domain(node);
      const on = { id: this.time, state: 'running', answers: true };
      const off = { id: -1, state: 'shutoff', answers: false };
      if (kind === 'undefine') this.host.domains.splice(this.host.domains.indexOf(domain), 1);
      else Object.assign(domain, kind === 'start' ? on : off);
    });
  }

  deleteDisk(node: string): this {
    const name = this.disk(node);
    const onlyUsedBy = this.uuid(node);
    return this.act({ host: 'h', kind: 'deleteVolume', name, onlyUsedBy }, () => {
      this.removeVolume(name);
    });
  }

  removeVolume(name: string): void {
    this.host.volumes = this.host.volumes.filter((volume) => volume.name !== name);
  }

  /** A command on the head, and what it does to the scheduler's records. */
  command(script: string, change: () => void = () => {}): this {
    const node = 'a-head-0';
    const address = '10.0.0.2';
    const effect = { kind: 'guest', node, uuid: this.uuid(node), address, hostKey: '', script };
    return this.act({ ...effect, kind: 'guest', reads: false }, change);
  }

  join(node: string): this {
    this.scheduler.records.push({ name: node, jobs: 0, closed: false, up: true });
    return this.wait(1000);
  }

  record(node: string) {
    const found = this.scheduler.records.find(({ name }) => name === node);
    if (found === undefined) throw new RangeError(`no record of ${node}`);
    return found;
  }

  drain(node: string): this {
    return this.command(`drain ${node}`, () => {
      Object.assign(this.record(node), { closed: true, reason: 'ours' });
    });
  }

  /** The status says that something is held, and by what revision it can be confirmed. */
  tellHeld(revision: string): this {
    const message = `5 nodes stay: benchctl confirm --revision ${revision}`;
    const condition = { type: 'Stalled', status: 'True', reason: 'DeletionHeld', message };
    const status: StatusTruth = { observedGeneration: 1, conditions: [condition], nodes: [] };
    return this.act({ kind: 'putStatus', cluster, status });
  }

  confirm(revision: string): this {
    this.held.confirmations = [revision];
    this.oracle.sourceChanged();
    return this;
  }

  tell(phases: Record<string, string>): this {
    const nodes = Object.entries(phases).map(([name, phase]) => {
      return { name, pool: 'w', phase, reason: phase, upToDate: true };
    });
    const status: StatusTruth = { observedGeneration: 1, conditions: [], nodes };
    return this.act({ kind: 'putStatus', cluster, status });
  }

  /** The controller stores the record of what is ordered. */
  stored(): this {
    return this.act({ kind: 'putCluster', cluster, record: {} });
  }

  make(...nodes: string[]): this {
    for (const node of nodes) {
      this.makeDisk(node).define(node).change('start', node);
      if (!node.includes('head')) this.join(node);
    }
    return this;
  }

  /** The cluster as ordered, running and joined. */
  ready(): this {
    return this.stored().upload().network().make('a-head-0', 'a-w-0', 'a-w-1').wait(60_000);
  }
}

export const imageVolume = image;
