/**
 * One round as values: a cluster that is whole and at rest, which a test then disturbs. The
 * scheduler says what the test wants it to say; by default that all is well.
 */
import type { Action } from '../../../src/controllers/bench-cluster/action.ts';
import {
  type DesiredCluster,
  type DesiredNode,
  desiredCluster,
  ownerMark,
} from '../../../src/controllers/bench-cluster/desired.ts';
import type { GuestView, Observed } from '../../../src/controllers/bench-cluster/observed.ts';
import { type Plan, plan } from '../../../src/controllers/bench-cluster/plan.ts';
import { clusterStatus } from '../../../src/controllers/bench-cluster/status.ts';
import type { ClusterRecord, DomainView, HostInventory } from '../../../src/controllers/ports.ts';
import type {
  AnyScheduler,
  SchedulerPlan,
  SchedulerScope,
  Verdict,
} from '../../../src/controllers/schedulers/scheduler.ts';
import type { NodePhase } from '../../../src/crd/status.ts';
import { identity, recordOf } from '../../fakes/builders.ts';

export const now = Date.parse('2026-01-01T12:00:00Z');
export const poolPath = '/pool';

export class PlanCase {
  record: ClusterRecord;
  inventory: HostInventory;
  guests = new Map<string, GuestView>();
  verdicts = new Map<string, Verdict>();
  schedulerActions: SchedulerPlan['actions'] = [];
  /** Nodes that the scheduler calls ready; undefined: it cannot be asked. */
  ready: Set<string> | undefined;
  observed: Partial<Observed> = {};
  now = now;
  /** What the scheduler's module was told in the last round. */
  asked: SchedulerScope<unknown, unknown, unknown> | undefined;

  /** All of the record exists and is ready. */
  constructor(record = recordOf()) {
    this.record = record;
    const { cluster } = this;
    const artifacts = cluster.artifacts.map((name) => volumeOf(name));
    this.inventory = {
      hostname: 'rhodey',
      libvirtVersion: '9.0.0',
      domainTypes: ['qemu', 'kvm'],
      cpus: 8,
      memoryBytes: 2 ** 34,
      pool: {
        name: 'default',
        path: poolPath,
        active: true,
        availableBytes: 2 ** 40,
        volumes: artifacts,
      },
      networks: [
        {
          name: cluster.network.name,
          uuid: cluster.network.uuid,
          active: true,
          owner: { installation: cluster.installation },
          leases: [],
        },
      ],
      domains: [],
    };
    for (const node of cluster.nodes) this.build(node);
    this.ready = new Set(cluster.nodes.map(({ name }) => name));
  }

  get cluster(): DesiredCluster {
    return desiredCluster(this.record, identity);
  }

  /** The spec changes; the world stays. */
  edit(record: ClusterRecord): this {
    this.record = record;
    return this;
  }

  node(name: string): DesiredNode {
    const node = this.cluster.nodes.find((item) => item.name === name);
    if (node === undefined) throw new RangeError(`no node ${name}`);
    return node;
  }

  domain(name: string): DomainView {
    const domain = this.inventory.domains.find((item) => item.name === name);
    if (domain === undefined) throw new RangeError(`no domain ${name}`);
    return domain;
  }

  build(node: DesiredNode): void {
    const { volumes } = this.inventory.pool;
    const { disk, kernel, initrd } = node.image;
    volumes.push({
      ...volumeOf(node.volume, node.diskBytes),
      backingPath: `${poolPath}/${disk.volume}`,
    });
    const files = [node.volume, kernel?.volume, initrd?.volume].filter(
      (file) => file !== undefined,
    );
    this.inventory.domains.push({
      name: node.name,
      uuid: node.uuid,
      state: 'running',
      reason: 'booted',
      persistent: true,
      id: 7,
      connection: 1,
      owner: ownerMark(this.cluster, node),
      macs: [node.mac],
      networks: [this.cluster.network.name],
      files: files.map((file) => `${poolPath}/${file}`),
      agentConnected: true,
    });
    this.guests.set(node.name, { kind: 'proven', address: `10.0.0.${node.index + 1}` });
  }

  without(what: { domain?: string; volume?: string }): this {
    const { domains, pool } = this.inventory;
    this.inventory.domains = domains.filter(({ name }) => name !== what.domain);
    pool.volumes = pool.volumes.filter(({ name }) => name !== what.volume);
    if (what.domain !== undefined) this.guests.delete(what.domain);
    return this;
  }

  off(name: string): this {
    Object.assign(this.domain(name), { state: 'shutoff', reason: 'destroyed', id: -1 });
    this.guests.delete(name);
    return this;
  }

  plan(): Plan {
    const observed: Observed = {
      // A listing never changes once it is made; the world of the test does.
      host: { inventory: structuredClone(this.inventory) },
      guests: this.guests,
      scheduler: this.ready === undefined ? { error: 'no answer' } : { view: this.ready },
      operations: [],
      failures: new Map(),
      others: { networks: new Set(), artifacts: new Set() },
      ...this.observed,
    };
    const planned = plan(this.cluster, observed, this.#scheduler(), this.now);
    // The next round knows the status of this one.
    const previous = clusterStatus(this.cluster, observed, planned, [], this.now);
    this.observed = { ...this.observed, previous };
    return planned;
  }

  actions(): string[] {
    return this.plan().actions.map(({ action }) => brief(action));
  }

  phases(): Record<string, [NodePhase, string]> {
    return Object.fromEntries(
      this.plan().nodes.map(({ scope, outcome }) => [scope.name, [outcome.phase, outcome.reason]]),
    );
  }

  phase(name: string): [NodePhase, string] | undefined {
    return this.phases()[name];
  }

  #scheduler(): AnyScheduler {
    return {
      name: 'fake',
      checkConfig: () => [],
      factsScript: '',
      parseFacts: () => ({}),
      viewScript: '',
      parseView: () => ({}),
      isReady: (view, node) => view instanceof Set && view.has(node),
      secrets: {},
      plan: (scope) => {
        this.asked = scope;
        const verdicts = scope.nodes.map(({ name }): [string, Verdict] => [
          name,
          this.verdicts.get(name) ?? { kind: 'ready' },
        ]);
        return { actions: this.schedulerActions, verdicts: new Map(verdicts) };
      },
    };
  }
}

function volumeOf(name: string, capacityBytes = 2 ** 31) {
  return { name, path: `${poolPath}/${name}`, capacityBytes };
}

/** Kind and object of an action, in a few words. */
export function brief(action: Action): string {
  switch (action.kind) {
    case 'uploadArtifact':
      return `upload ${action.artifact.volume}`;
    case 'createNetwork':
    case 'removeNetwork':
      return `${action.kind} ${action.network.name}`;
    case 'createVolume':
      return `createVolume ${action.volume.name}`;
    case 'deleteVolume':
      return `deleteVolume ${action.name}`;
    case 'defineDomain':
      return `define ${action.domain.name}`;
    case 'changeDomain':
      return `${action.change} ${action.domain.name}`;
    case 'startUnit':
      return `unit ${action.unit} on ${action.node}`;
    case 'runScript':
      return `${action.script} on ${action.node}`;
  }
}
