/**
 * S15: a disk is made from an image only when its content was checked on its way into the pool:
 * it was put there by an upload with its digest, and holds what that digest says.
 */
import type { Asked, Checker } from './checker.ts';
import { imageVolumes } from './ordered.ts';
import { targetOf } from './targets.ts';

export const checkedImage: Checker = {
  id: 'S15',
  asked: (asked) => {
    const { effect } = asked;
    if (effect.kind === 'uploadArtifact') return unordered(asked, effect.artifact);
    if (effect.kind === 'createVolume') return wrong(asked, effect.volume.backingVolume);
    if (effect.kind !== 'defineDomain' || effect.domain.boot === undefined) return [];
    const { kernel, initrd } = effect.domain.boot;
    return [kernel, initrd].flatMap((name) => (name === undefined ? [] : wrong(asked, name)));
  },
  done: ({ effect, after, failed }) => {
    if (effect.kind !== 'uploadArtifact' || failed) return [];
    const { volume, sha256 } = effect.artifact;
    const made = targetOf(effect, after)?.host.volumes.find(({ name }) => name === volume);
    if (made === undefined) return [`the upload of ${volume} was done and nothing is there`];
    if (made.contentSha256 === sha256) return [];
    return [`${volume} does not hold what its digest says`];
  },
};

function knownAs({ memory }: Asked, name: string): { volume: string; sha256: string }[] {
  const orders = memory.ledger.clusters().flatMap((cluster) => memory.ledger.versions(cluster));
  return orders.flatMap(imageVolumes).filter(({ volume }) => volume === name);
}

/** What is not checked by the digest of a manifest is not checked. */
function unordered(asked: Asked, { volume, sha256 }: { volume: string; sha256: string }): string[] {
  if (knownAs(asked, volume).some((image) => image.sha256 === sha256)) return [];
  return [`${volume} is uploaded by a digest that no manifest has: ${sha256}`];
}

function wrong(asked: Asked, name: string): string[] {
  const { effect, truth } = asked;
  const host = targetOf(effect, truth)?.host;
  const volume = host?.volumes.find((item) => item.name === name);
  if (host === undefined || volume === undefined) return [];
  const known = knownAs(asked, name);
  if (known.length === 0) return [`${name} is used as an image, and no manifest has its digest`];
  if (known.some(({ sha256 }) => sha256 === volume.contentSha256)) return [];
  return [`${name} is used as an image and does not hold what its digest says`];
}
