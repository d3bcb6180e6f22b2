/**
 * The ownership mark of domains and networks as an element of libvirt's `<metadata>`.
 * Reading is strict and fails closed: a mark that is absent, doubled, or not exactly what we write
 * is no mark, so its object is a stranger's and is never changed.
 */
import type { OwnerMark } from '../../controllers/ports.ts';
import type { XmlElement, XmlNode } from './xml.ts';
import { childrenOf, node } from './xml.ts';

export const ownerNamespace = 'https://benchcluster.io/xmlns/v1';

/** libvirt asks for one prefix per namespace inside `<metadata>`. */
export function ownerMetadata(owner: OwnerMark): XmlNode {
  const { installation } = owner;
  const attributes = { 'xmlns:bench': ownerNamespace, installation };
  const mark = owner.node && node('bench:node', { ...owner.node });
  return node('metadata', {}, [node('bench:owner', attributes, [mark])]);
}

/** The mark in the `<metadata>` of a `<domain>` or `<network>`. */
export function readOwner(root: XmlElement): OwnerMark | undefined {
  const marks = childrenOf(root, 'metadata').flatMap((metadata) =>
    metadata.children.filter((child) => child.uri === ownerNamespace),
  );
  const [mark] = marks;
  if (mark === undefined || marks.length !== 1 || mark.name !== 'owner') return undefined;
  const installation = mark.attributes.get('installation') ?? '';
  if (installation === '' || mark.attributes.size !== 1) return undefined;
  if (mark.children.length === 0) return { installation };
  const [child] = mark.children;
  if (child === undefined || mark.children.length !== 1) return undefined;
  const owned = readNode(child);
  return owned && { installation, node: owned };
}

function readNode(element: XmlElement): OwnerMark['node'] {
  if (element.name !== 'node' || element.uri !== ownerNamespace) return undefined;
  const value = (name: string): string => element.attributes.get(name) ?? '';
  const index = value('index');
  const owned = {
    clusterUid: value('clusterUid'),
    namespace: value('namespace'),
    cluster: value('cluster'),
    pool: value('pool'),
    index: Number(index),
    specHash: value('specHash'),
    image: value('image'),
  };
  const isWhole =
    /^(0|[1-9]\d{0,8})$/.test(index) &&
    Object.values(owned).every((item) => item !== '') &&
    element.children.length === 0;
  return isWhole ? owned : undefined;
}

/** The mark that was looked at: a machine made anew for the same node has another spec hash. */
export function isSameMachine(a: OwnerMark | undefined, b: OwnerMark | undefined): boolean {
  return isSameOwner(a, b) && a?.node?.specHash === b?.node?.specHash;
}

/** Same installation, cluster and node. The spec hash and image may differ: that is drift. */
export function isSameOwner(a: OwnerMark | undefined, b: OwnerMark | undefined): boolean {
  if (a === undefined || b === undefined || a.installation !== b.installation) return false;
  return (
    a.node?.clusterUid === b.node?.clusterUid &&
    a.node?.namespace === b.node?.namespace &&
    a.node?.cluster === b.node?.cluster &&
    a.node?.pool === b.node?.pool &&
    a.node?.index === b.node?.index
  );
}
