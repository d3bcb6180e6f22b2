/**
 * Effects as data. A plan holds these values, `benchctl plan` prints them and `execute.ts` turns
 * each into one port call. Every action is idempotent, bounded in time and safe to be interrupted.
 */
import { digestOf } from '../../lib/hash.ts';
import type {
  Artifact,
  DomainChange,
  DomainSpec,
  DomainView,
  NetworkSpec,
  OwnerMark,
  SeenDomain,
} from '../ports.ts';

export type HostAction =
  | { kind: 'uploadArtifact'; artifact: Artifact }
  | { kind: 'createNetwork'; network: NetworkSpec }
  | { kind: 'removeNetwork'; network: { name: string; uuid: string; owner: OwnerMark } }
  | { kind: 'createVolume'; volume: { name: string; capacityBytes: number; backingVolume: string } }
  | { kind: 'deleteVolume'; name: string; onlyUsedBy?: string }
  | { kind: 'defineDomain'; domain: DomainSpec }
  | { kind: 'changeDomain'; change: DomainChange; domain: Required<SeenDomain> & { name: string } };

/** A change of the domain that was looked at, and of no later one under its name. */
export function changeOf(
  change: DomainChange,
  { name, uuid, id, connection }: DomainView,
  owner: OwnerMark,
): Extract<HostAction, { kind: 'changeDomain' }> {
  return { kind: 'changeDomain', change, domain: { name, uuid, id, connection, owner } };
}

/** Content of a file in a guest; a secret is named, and resolved only by the executor. */
export type FileContent = { text: string } | { secret: string };

export interface GuestFile {
  path: string;
  /** Octal text, such as 0600. */
  mode: string;
  /** `user:group` in the guest. */
  owner: string;
  content: FileContent;
}

export type GuestAction =
  /**
   * Writes the files, then starts `script` as the transient oneshot unit
   * `benchcluster-<name>.service`, unless a unit of that name runs or has succeeded; a failed one
   * is reset and started again. Its name must change with its content.
   */
  | { kind: 'startUnit'; unit: string; files: GuestFile[]; script: string }
  /** A short command whose success is observed by the next view, such as an `scontrol update`. */
  | { kind: 'runScript'; script: string };

export type Action = ({ host: string } & HostAction) | ({ node: string } & GuestAction);

/** Names an action for its failures and operations: the same effect always has the same key. */
export function actionKey(action: Action): string {
  switch (action.kind) {
    case 'uploadArtifact':
      return uploadKey(action.host, action.artifact.volume);
    case 'createNetwork':
    case 'removeNetwork':
      return `${action.host}/${action.kind}/${action.network.name}`;
    case 'createVolume':
      return `${action.host}/createVolume/${action.volume.name}`;
    case 'deleteVolume':
      return `${action.host}/deleteVolume/${action.name}`;
    case 'defineDomain':
      return `${action.host}/defineDomain/${action.domain.name}`;
    case 'changeDomain':
      return `${action.host}/${action.change}/${action.domain.name}`;
    case 'startUnit':
      return `${action.node}/unit/${action.unit}`;
    case 'runScript':
      return `${action.node}/script/${digestOf(action.script).slice(0, 16)}`;
  }
}

export function uploadKey(host: string, volume: string): string {
  return `${host}/upload/${volume}`;
}

/** Of an action in a guest, whose effect a round sees only when it asks guest and scheduler. */
export function guestWork(key: string): { node: string; kind: 'unit' | 'script' } | undefined {
  const [, node, kind] = /^([^/]+)\/(unit|script)\//.exec(key) ?? [];
  if (node === undefined) return undefined;
  return { node, kind: kind === 'unit' ? 'unit' : 'script' };
}

/** One line for `benchctl plan`, events and logs. */
export function describeAction(action: Action): string {
  switch (action.kind) {
    case 'uploadArtifact':
      return `upload image ${action.artifact.volume} to ${action.host}`;
    case 'createNetwork':
      return `create network ${action.network.name} (${action.network.cidr})`;
    case 'removeNetwork':
      return `delete network ${action.network.name}`;
    case 'createVolume':
      return `create volume ${action.volume.name} on ${action.volume.backingVolume}`;
    case 'deleteVolume':
      return `delete volume ${action.name}`;
    case 'defineDomain':
      return `define domain ${action.domain.name}`;
    case 'changeDomain':
      return `${action.change === 'destroy' ? 'power off' : action.change} domain ${action.domain.name}`;
    case 'startUnit':
      return `run unit benchcluster-${action.unit} on ${action.node}`;
    case 'runScript':
      return `run a command on ${action.node}`;
  }
}
